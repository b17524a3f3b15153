import { beforeEach, expect, it } from "vitest";
import { nextTick } from "vue";

import { Failure } from "../../../api/console/src/api/errors";
import { describe as words } from "../../../api/console/src/failures";
import { notices } from "../../../api/console/src/state/notices";
import { session } from "../../../api/console/src/state/session";

async function signInAgain(): Promise<void> {
  session.state.status = "ended";
  await nextTick();
  session.state.status = "signed-in";
  await nextTick();
}

beforeEach(() => {
  session.state.status = "signed-in";
});

it("does not say that the session has ended once it is taken up again", async () => {
  notices.fail(words(new Failure("signed-out", "")));
  await signInAgain();
  expect(notices.state.visible).toBe(false);
});

it("keeps what else went wrong until it is closed", async () => {
  notices.fail(words(new Failure("busy", "")));
  await signInAgain();
  expect(notices.state.visible).toBe(true);
});
