import { reactive } from "vue";

import { within } from "../api/within";

const RETRY_MS = 2000;
const ANSWER_MS_MAX = 5000;

// Whether the server answers. Once it does not, it is asked until it does.
const state = reactive({ lost: false, restored: 0 });
let timer: ReturnType<typeof setTimeout> | undefined;
let waiting: (() => void)[] = [];

async function isReachable(): Promise<boolean> {
  try {
    const ask = (signal: AbortSignal) => fetch("/healthz", { cache: "no-store", credentials: "omit", signal });
    return (await within(ANSWER_MS_MAX, ask)).ok;
  } catch {
    return false;
  }
}

async function probe(): Promise<void> {
  clearTimeout(timer);
  if (!state.lost) return;
  if (await isReachable()) connection.reached();
  else if (state.lost) schedule();
}

function schedule(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void probe(), RETRY_MS);
}

export const connection = {
  // `restored` counts the times that it came back, for pages to watch and load anew.
  state,

  reached(): void {
    if (!state.lost) return;
    clearTimeout(timer);
    state.lost = false;
    state.restored += 1;
    const resume = waiting;
    waiting = [];
    for (const go of resume) go();
  },

  unreachable(): void {
    if (state.lost) return;
    state.lost = true;
    schedule();
  },

  retryNow: probe,

  // Something broke that may be more than itself.
  async check(): Promise<void> {
    if (!state.lost && !(await isReachable())) connection.unreachable();
  },

  // Until the server answers again; a moment where it is not the connection that failed.
  whenBack(): Promise<void> {
    return new Promise((resolve) => {
      if (state.lost) waiting.push(resolve);
      else setTimeout(resolve, RETRY_MS);
    });
  },
};
