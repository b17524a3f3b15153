import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type EffectScope, effectScope, nextTick } from "vue";

import { Failure, type FailureKind } from "../../../api/console/src/api/errors";
import { describe as words } from "../../../api/console/src/failures";
import { useForm } from "../../../api/console/src/state/form";
import { session } from "../../../api/console/src/state/session";

let scope: EffectScope;

beforeEach(() => {
  vi.stubGlobal("document", { activeElement: null });
  session.state.status = "signed-in";
  scope = effectScope();
});
afterEach(() => {
  scope.stop();
  vi.unstubAllGlobals();
});

async function failWith(kind: FailureKind) {
  const form = scope.run(() => useForm()) as ReturnType<typeof useForm>;
  session.state.status = "ended";
  await form.submit(() => Promise.reject(new Failure(kind, "")));
  expect(form.errors.message).toBe(words(new Failure(kind, "")));
  session.state.status = "signed-in";
  await nextTick();
  return form;
}

it("does not say that the session has ended once it is taken up again", async () => {
  const form = await failWith("signed-out");
  expect([form.errors.message, form.failed.value]).toEqual(["", null]);
});

it("keeps what else went wrong until it is sent again", async () => {
  const form = await failWith("busy");
  expect([form.errors.message, form.failed.value]).toEqual([words(new Failure("busy", "")), "busy"]);
});
