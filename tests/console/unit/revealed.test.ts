import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type EffectScope, effectScope, shallowRef } from "vue";

import { tokensApi } from "../../../api/console/src/api";
import type { Happening } from "../../../api/console/src/api/events";
import { copyText } from "../../../api/console/src/clipboard";
import type { Listener } from "../../../api/console/src/state/live";
import { notices } from "../../../api/console/src/state/notices";
import { useRevealed } from "../../../api/console/src/state/revealed";
import { session } from "../../../api/console/src/state/session";
import { texts } from "../../../api/console/src/texts";

const listeners = vi.hoisted(() => new Set<Listener>());

vi.mock("../../../api/console/src/clipboard", () => ({ copyText: vi.fn() }));
vi.mock("../../../api/console/src/state/live", () => ({
  live: {
    listen: (listener: Listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  },
}));

// An answer that one waits for.
function later<Value>() {
  let give: (value: Value) => void = () => {};
  const promise = new Promise<Value>((resolve) => (give = resolve));
  return { promise, give };
}

const there = shallowRef<string[]>([]);
let scope: EffectScope;
let revealed: ReturnType<typeof useRevealed>;
const reveal = vi.spyOn(tokensApi, "reveal");
const copying = vi.mocked(copyText);
const happen = (type: string, id: string) => {
  for (const listener of listeners) listener({ type, object: { kind: "token", id, name: null } } as Happening);
};

beforeEach(() => {
  vi.clearAllMocks();
  vi.useFakeTimers();
  session.state.status = "signed-in";
  Object.assign(notices.state, { text: "", visible: false });
  reveal.mockResolvedValue("SU-1:secret");
  copying.mockResolvedValue(true);
  there.value = ["SU-1", "SU-2"];
  scope = effectScope();
  revealed = scope.run(() => useRevealed(() => there.value)) as ReturnType<typeof useRevealed>;
});
afterEach(() => {
  scope.stop();
  vi.useRealTimers();
});

describe("a value", () => {
  it("shows for half a minute, and is asked for once by a double click", async () => {
    await Promise.all([revealed.toggle("SU-1"), revealed.toggle("SU-1"), revealed.copy("SU-1")]);
    expect(reveal).toHaveBeenCalledOnce();
    expect(revealed.values.get("SU-1")).toBe("SU-1:secret");
    vi.advanceTimersByTime(29_000);
    expect(revealed.values.size).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(revealed.values.size).toBe(0);
  });

  it("that another took the place of is hidden, and not shown though it was asked for before", async () => {
    await revealed.toggle("SU-1");
    await revealed.toggle("SU-2");
    happen("TokenUpdated", "SU-1");
    happen("TokenRotated", "SU-2");
    expect([...revealed.values.keys()]).toEqual(["SU-1"]);
    const answer = later<string>();
    reveal.mockReturnValue(answer.promise);
    const asked = revealed.toggle("SU-2");
    happen("TokenRenewed", "SU-2");
    answer.give("SU-2:old");
    await asked;
    expect([...revealed.values.keys()]).toEqual(["SU-1"]);
  });

  it("whose row leaves is forgotten, though the row comes back", async () => {
    await revealed.toggle("SU-1");
    await revealed.toggle("SU-2");
    there.value = ["SU-2", "SU-3"];
    there.value = ["SU-1", "SU-2"];
    expect([...revealed.values.keys()]).toEqual(["SU-2"]);
    expect(vi.getTimerCount()).toBe(1);
    await revealed.toggle("SU-1");
    expect(reveal).toHaveBeenCalledTimes(3);
    expect(revealed.values.size).toBe(2);
  });

  it("is not shown where its row left while it was asked for, or while the browser was asked to copy it", async () => {
    const answer = later<string>();
    reveal.mockReturnValueOnce(answer.promise);
    const allowed = later<boolean>();
    copying.mockReturnValue(allowed.promise);
    const asked = [revealed.toggle("SU-1"), revealed.copy("SU-2")];
    await vi.advanceTimersByTimeAsync(0);
    expect(copying).toHaveBeenCalledOnce();
    there.value = [];
    there.value = ["SU-1", "SU-2"];
    answer.give("SU-1:secret");
    allowed.give(false);
    await Promise.all(asked);
    expect(revealed.values.size).toBe(0);
  });

  it("is not shown where the session ended, or the page was left, while it was asked for", async () => {
    for (const end of [() => (session.state.status = "ended"), () => scope.stop()]) {
      const answer = later<string>();
      reveal.mockReturnValue(answer.promise);
      const asked = revealed.toggle("SU-1");
      end();
      answer.give("SU-1:secret");
      await asked;
      expect(revealed.values.size).toBe(0);
    }
    expect(listeners.size).toBe(0);
  });

  it("that is not copied is shown, but not where the session ended while the browser asked", async () => {
    copying.mockResolvedValue(false);
    await revealed.copy("SU-1");
    expect(revealed.values.get("SU-1")).toBe("SU-1:secret");
    expect(notices.state).toMatchObject({ text: texts.common.copyFailed, failed: true });
    const allowed = later<boolean>();
    copying.mockReturnValue(allowed.promise);
    const asked = revealed.copy("SU-1");
    await vi.advanceTimersByTimeAsync(0);
    expect(copying).toHaveBeenCalledTimes(2);
    session.state.status = "ended";
    allowed.give(false);
    await asked;
    expect(revealed.values.size).toBe(0);
  });
});
