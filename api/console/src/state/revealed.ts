import { onScopeDispose, reactive } from "vue";

import { tokensApi } from "../api";

const SHOWN_MS = 30_000;

// The values on show, by token id. Each is asked for anew (which the server writes down), and gone from memory
// and page once hidden.
export function useRevealed() {
  const values = reactive(new Map<string, string>());
  const asking = reactive(new Set<string>());
  const timers = new Map<string, ReturnType<typeof setTimeout>>();

  function hide(id: string): void {
    clearTimeout(timers.get(id));
    timers.delete(id);
    values.delete(id);
  }

  function hideAll(): void {
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

  async function show(id: string): Promise<void> {
    const value = await ask(id);
    hide(id);
    values.set(id, value);
    timers.set(
      id,
      setTimeout(() => hide(id), SHOWN_MS),
    );
  }

  onScopeDispose(hideAll);
  return { values, asking, ask, show, hide, hideAll };
}
