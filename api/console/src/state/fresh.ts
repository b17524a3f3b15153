import { onScopeDispose, watch } from "vue";

import type { Happening } from "../api/events";
import { connection } from "./connection";
import { live } from "./live";
import { session } from "./session";

// Of many changes at one time, the first is waited with for the others.
const SETTLING_MS = 300;

// Loads now, again when the connection or the session comes back, and soon after something happened that concerns
// what was loaded. `load` shows its failures itself.
export function useFresh(load: () => Promise<void>, concerns: (change: Happening) => boolean): void {
  let present = true;
  let stale = false;
  let catchingUp = false;

  async function catchUp(): Promise<void> {
    catchingUp = true;
    while (stale && present) {
      await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
      stale = false;
      if (present) await load();
    }
    catchingUp = false;
  }

  const stop = live.listen((change) => {
    if (change && !concerns(change)) return;
    stale = true;
    if (!catchingUp) void catchUp();
  });
  watch([() => connection.state.restored, () => session.state.resumed], load);
  onScopeDispose(() => {
    present = false;
    stop();
  });
  void load();
}
