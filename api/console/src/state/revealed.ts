import { onScopeDispose, reactive, watch } from "vue";

import { tokensApi } from "../api";
import { copyText } from "../clipboard";
import { describe } from "../failures";
import { texts } from "../texts";
import { notices } from "./notices";
import { session } from "./session";

const SHOWN_MS = 30_000;

// The values on show, by token id. Each is asked for anew (which the server writes down), and gone from memory
// and page once hidden.
export function useRevealed() {
  const values = reactive(new Map<string, string>());
  const asking = reactive(new Set<string>());
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  // Counts the times that all were hidden: what was asked for before is not shown after.
  let hidings = 0;

  function hide(id: string): void {
    clearTimeout(timers.get(id));
    timers.delete(id);
    values.delete(id);
  }

  function hideAll(): void {
    hidings += 1;
    for (const id of [...values.keys()]) hide(id);
  }

  async function ask(id: string): Promise<string> {
    asking.add(id);
    try {
      return await tokensApi.reveal(id);
    } finally {
      asking.delete(id);
    }
  }

  function show(id: string, value: string): void {
    hide(id);
    values.set(id, value);
    timers.set(
      id,
      setTimeout(() => hide(id), SHOWN_MS),
    );
  }

  async function toggle(id: string): Promise<void> {
    if (asking.has(id)) return;
    if (values.has(id)) return hide(id);
    const asked = hidings;
    try {
      const value = await ask(id);
      if (asked === hidings) show(id, value);
    } catch (error) {
      notices.fail(describe(error));
    }
  }

  async function copy(id: string): Promise<void> {
    if (asking.has(id)) return;
    const asked = hidings;
    try {
      const value = await ask(id);
      if (asked !== hidings) return;
      if (await copyText(value)) return notices.show(texts.common.copied);
      // Then one copies it by hand, for which it has to be there.
      show(id, value);
      notices.fail(texts.common.copyFailed);
    } catch (error) {
      notices.fail(describe(error));
    }
  }

  // Nothing stays on show where nobody is signed in.
  watch(() => session.state.status, hideAll);
  onScopeDispose(hideAll);
  return { values, asking, toggle, copy };
}
