import { onScopeDispose, reactive, watch } from "vue";

import { tokensApi } from "../api";
import { copyText } from "../clipboard";
import { describe } from "../failures";
import { texts } from "../texts";
import { live } from "./live";
import { notices } from "./notices";
import { session } from "./session";

const SHOWN_MS = 30_000;

// Of a value that was hidden before it could be copied or shown.
class Hidden extends Error {}

// The secrets on show, by id. Each is asked for anew, and gone from memory and page once hidden: after a while, or where
// nobody is signed in.
export function useSecrets(read: (id: string) => Promise<string>) {
  const values = reactive(new Map<string, string>());
  const asking = reactive(new Set<string>());
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  // Count the times that all were hidden, and that one was: what was asked for before is not shown after.
  let hidings = 0;
  const hidingsOf = new Map<string, number>();
  const hidden = (id: string) => hidings + (hidingsOf.get(id) ?? 0);

  function hide(id: string): void {
    clearTimeout(timers.get(id));
    timers.delete(id);
    values.delete(id);
    hidingsOf.set(id, (hidingsOf.get(id) ?? 0) + 1);
  }

  function hideAll(): void {
    hidings += 1;
    for (const id of [...values.keys()]) hide(id);
  }

  async function ask(id: string): Promise<string> {
    asking.add(id);
    try {
      return await read(id);
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
    const before = hidden(id);
    try {
      const value = await ask(id);
      if (before === hidden(id)) show(id, value);
    } catch (error) {
      notices.fail(describe(error));
    }
  }

  async function copy(id: string): Promise<void> {
    if (asking.has(id)) return;
    const before = hidden(id);
    const stillThere = (value: string) => {
      if (before !== hidden(id)) throw new Hidden();
      return value;
    };
    const value = ask(id).then(stillThere);
    try {
      // The browser may ask whether to, and wait for its person.
      if (await copyText(value)) return notices.show(texts.common.copied);
      // Then one copies it by hand, for which it has to be there.
      show(id, stillThere(await value));
      notices.fail(texts.common.copyFailed);
    } catch (error) {
      if (!(error instanceof Hidden)) notices.fail(describe(error));
    }
  }

  // Nothing stays on show where nobody is signed in.
  watch(() => session.state.status, hideAll, { flush: "sync" });
  onScopeDispose(hideAll);
  return { values, asking, show, hide, toggle, copy };
}

export type Secrets = ReturnType<typeof useSecrets>;

// The values of tokens, of whose showing the server keeps a record. One that another takes the place of is hidden, and
// so is that of a token that is no longer `there`, where the page lists the ids of the tokens that it has.
export function useRevealed(there: () => readonly string[]): Secrets {
  const secrets = useSecrets((id) => tokensApi.reveal(id));
  watch(
    there,
    (now, before) => {
      const present = new Set(now);
      for (const id of before) if (!present.has(id)) secrets.hide(id);
    },
    { flush: "sync" },
  );
  const stop = live.listen((change) => {
    if (change?.object.id && /^Token(Rotated|Renewed)$/.test(change.type)) secrets.hide(change.object.id);
  });
  onScopeDispose(stop);
  return secrets;
}
