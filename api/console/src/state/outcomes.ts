import { onScopeDispose, watch } from "vue";

import type { Work } from "../api/deliveries";

// What comes of deliveries is no event of its own that others are told of: it is looked for when it may be there.
const SOON_MS = 1000;
const LATEST_MS = 60 * 60 * 1000;

// How long until something may have become of what the worker does; null where nothing will by itself.
export function millisecondsToOutcome(work: readonly Work[], now: number = Date.now()): number | null {
  const moments = work.flatMap(({ status, next_attempt_at: next }) => {
    if (status === "running") return [now];
    return status === "waiting" && next ? [Date.parse(next)] : [];
  });
  if (moments.length === 0) return null;
  return Math.min(Math.max(Math.min(...moments) - now, 0) + SOON_MS, LATEST_MS);
}

// Loads again what is shown when something may have become of it.
export function useOutcomes(work: () => readonly Work[], load: () => Promise<unknown>): void {
  let timer: ReturnType<typeof setTimeout> | undefined;

  watch(
    work,
    (shown) => {
      clearTimeout(timer);
      const wait = millisecondsToOutcome(shown);
      if (wait !== null) timer = setTimeout(() => void load(), wait);
    },
    { immediate: true },
  );
  onScopeDispose(() => clearTimeout(timer));
}
