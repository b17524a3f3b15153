import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { sessionApi } from "../../../api/console/src/api";
import { Failure } from "../../../api/console/src/api/errors";
import type { SessionContext } from "../../../api/console/src/api/session";
import { session } from "../../../api/console/src/state/session";
import { starting } from "../../../api/console/src/state/starting";

const context = vi.spyOn(sessionApi, "context");
const known = { user: null, account: { id: "PA-1", name: "Acme" }, csrf_token: null, position: null } as SessionContext;

beforeEach(() => {
  vi.useFakeTimers();
  session.state.status = "unknown";
});
afterEach(() => {
  vi.useRealTimers();
});

it("tells why the first page does not show, and asks until the server says who is signed in", async () => {
  const busy = new Failure("busy", "");
  context.mockRejectedValueOnce(busy).mockResolvedValueOnce(known);
  const learnt = starting.learnWhoIsSignedIn();
  await vi.advanceTimersByTimeAsync(0);
  expect(starting.state).toEqual({ slow: false, failure: busy });
  await vi.advanceTimersByTimeAsync(2000);
  await learnt;
  expect([session.state.status, starting.state]).toEqual(["signed-in", { slow: false, failure: null }]);
});

it("tells that the answer takes long, and of a quick one nothing", async () => {
  let answer: (context: SessionContext) => void = () => {};
  context.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
  const learnt = starting.learnWhoIsSignedIn();
  await vi.advanceTimersByTimeAsync(999);
  expect(starting.state.slow).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(starting.state.slow).toBe(true);
  answer(known);
  await learnt;
  expect(starting.state.slow).toBe(false);
});
