import { onScopeDispose, watch } from "vue";

import type { Work } from "../api/deliveries";
import { connection } from "./connection";
import { session } from "./session";

// What comes of deliveries is no event of its own that others are told of: it is looked for when it may be there.
const SOON_MS = 1000;
const LATEST_MS = 60 * 60 * 1000;
// Behind a failure.
const AGAIN_MS = 5000;

// How long until something may have become of what the worker does; null where nothing will by itself.
export function millisecondsToOutcome(work: readonly Work[], now: number = Date.now()): number | null {
  const moments = work.flatMap(({ status, next_attempt_at: next }) => {
    if (status === "running") return [now];
    return status === "waiting" && next ? [Date.parse(next)] : [];
  });
  if (moments.length === 0) return null;
  return Math.min(Math.max(Math.min(...moments) - now, 0) + SOON_MS, LATEST_MS);
}

// Loads again what is shown when something may have become of it, until that succeeds. `load` shows its failures itself.
// Where the server cannot be asked, that is left to what loads anew once it can.
export function useOutcomes(work: () => readonly Work[], load: () => Promise<unknown>): void {
  let timer: ReturnType<typeof setTimeout> | undefined;

  let present = true;

  function lookIn(wait: number | null, shown: readonly Work[]): void {
    clearTimeout(timer);
    if (wait !== null) timer = setTimeout(() => void look(shown), wait);
  }

  async function look(shown: readonly Work[]): Promise<void> {
    if (session.isOpen.value && !connection.state.lost) await load();
    // What was loaded is planned for as it comes.
    if (present && work() === shown) lookIn(AGAIN_MS, shown);
  }

  watch(work, (shown) => lookIn(millisecondsToOutcome(shown), shown), { immediate: true });
  onScopeDispose(() => {
    present = false;
    clearTimeout(timer);
  });
}
