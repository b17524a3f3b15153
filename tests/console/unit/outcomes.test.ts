import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type EffectScope, effectScope, nextTick, shallowRef } from "vue";

import type { Work } from "../../../api/console/src/api/deliveries";
import { useOutcomes } from "../../../api/console/src/state/outcomes";
import { session } from "../../../api/console/src/state/session";

const running = { status: "running", next_attempt_at: null } as Work;
const done = { ...running, status: "done" } as Work;
const shown = shallowRef<Work[]>([]);
const load = vi.fn(() => Promise.resolve());
let scope: EffectScope;

beforeEach(async () => {
  vi.useFakeTimers();
  load.mockClear();
  session.state.status = "signed-in";
  shown.value = [running];
  scope = effectScope();
  scope.run(() => useOutcomes(() => shown.value, load));
  await nextTick();
});
afterEach(() => {
  scope.stop();
  vi.useRealTimers();
});

it("looks again where loading failed, until nothing more comes of it", async () => {
  await vi.advanceTimersByTimeAsync(1000);
  expect(load).toHaveBeenCalledTimes(1);
  load.mockImplementationOnce(async () => {
    shown.value = [done];
  });
  await vi.advanceTimersByTimeAsync(5000);
  expect(load).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(load).toHaveBeenCalledTimes(2);
});

it("looks soon again where it was loaded and still runs", async () => {
  load.mockImplementation(async () => {
    shown.value = [running];
  });
  await vi.advanceTimersByTimeAsync(3000);
  expect(load).toHaveBeenCalledTimes(3);
  load.mockImplementation(() => Promise.resolve());
});

it("asks nothing while the session is over, nor once the page was left", async () => {
  session.state.status = "ended";
  await vi.advanceTimersByTimeAsync(20_000);
  expect(load).not.toHaveBeenCalled();
  session.state.status = "signed-in";
  await vi.advanceTimersByTimeAsync(5000);
  expect(load).toHaveBeenCalledTimes(1);
  scope.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(load).toHaveBeenCalledTimes(1);
});
