import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type EffectScope, effectScope, type Ref } from "vue";

import { usersApi } from "../../../api/console/src/api";
import { Failure } from "../../../api/console/src/api/errors";
import type { Member } from "../../../api/console/src/api/users";
import { useMembers } from "../../../api/console/src/state/members";
import { session } from "../../../api/console/src/state/session";

const list = vi.spyOn(usersApi, "all");
const settled = () => new Promise((resolve) => setTimeout(resolve));
const somebody = { id: "UR-1", email: "ann@example.com" } as Member;
let scope: EffectScope;

beforeEach(() => {
  session.state.account = { id: "PA-1", name: "Acme" };
  scope = effectScope();
});
afterEach(() => scope.stop());

it("lists the account's people once the session is there again, and keeps them where reading fails", async () => {
  list.mockRejectedValueOnce(new Failure("signed-out", ""));
  const members = scope.run(() => useMembers()) as Ref<readonly Member[]>;
  await settled();
  expect(members.value).toEqual([]);
  list.mockResolvedValueOnce([somebody]);
  session.state.resumed += 1;
  await settled();
  expect(members.value).toEqual([somebody]);
  list.mockRejectedValueOnce(new Failure("busy", ""));
  session.state.resumed += 1;
  await settled();
  expect([list.mock.calls.length, members.value]).toEqual([3, [somebody]]);
});
