import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type EffectScope, effectScope } from "vue";

import { useFresh } from "../../../api/console/src/state/fresh";

let scope: EffectScope;
let answers: (() => void)[];
const load = vi.fn(() => new Promise<void>((resolve) => answers.push(resolve)));
const answer = async () => {
  answers.shift()?.();
  await vi.advanceTimersByTimeAsync(0);
};

beforeEach(() => {
  vi.useFakeTimers();
  load.mockClear();
  answers = [];
  scope = effectScope();
});
afterEach(() => {
  scope.stop();
  vi.useRealTimers();
});

describe("what is kept fresh", () => {
  const begin = () => scope.run(() => useFresh(load, () => true)) as () => Promise<void>;

  it("is loaded once more where it was asked for meanwhile, and never twice at one time", async () => {
    const refresh = begin();
    const asked = [refresh(), refresh()];
    expect(load).toHaveBeenCalledTimes(1);
    await answer();
    expect(load).toHaveBeenCalledTimes(2);
    await answer();
    await Promise.all(asked);
    expect([load.mock.calls.length, answers.length]).toEqual([2, 0]);
    void refresh();
    expect(load).toHaveBeenCalledTimes(3);
  });

  it("is not loaded any more once its page was left", async () => {
    const refresh = begin();
    void refresh();
    scope.stop();
    await answer();
    expect(load).toHaveBeenCalledTimes(1);
  });
});
