import { onScopeDispose, watch } from "vue";

import type { Happening } from "../api/events";
import { connection } from "./connection";
import { live } from "./live";
import { session } from "./session";

// Of many changes at one time, the first is waited with for the others.
const SETTLING_MS = 300;

// Loads now, again when the connection or the session comes back, and soon after something happened that concerns
// what was loaded. `load` shows its failures itself. Loads again when what this returns is called, too. It is never
// loaded twice at one time, since the older answer might come last: asked for meanwhile, it is loaded once more after.
export function useFresh(load: () => Promise<void>, concerns: (change: Happening) => boolean): () => Promise<void> {
  let present = true;
  let stale = false;
  let catchingUp = false;
  let loading: Promise<void> | null = null;
  let again = false;

  async function loadUntilFresh(): Promise<void> {
    try {
      do {
        again = false;
        await load();
      } while (again && present);
    } finally {
      loading = null;
    }
  }

  function refresh(): Promise<void> {
    again = true;
    loading ??= loadUntilFresh();
    return loading;
  }

  async function catchUp(): Promise<void> {
    catchingUp = true;
    while (stale && present) {
      await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
      stale = false;
      if (present) await refresh();
    }
    catchingUp = false;
  }

  const stop = live.listen((change) => {
    if (change && !concerns(change)) return;
    stale = true;
    if (!catchingUp) void catchUp();
  });
  watch([() => connection.state.restored, () => session.state.resumed], refresh);
  onScopeDispose(() => {
    present = false;
    stop();
  });
  void refresh();
  return refresh;
}
