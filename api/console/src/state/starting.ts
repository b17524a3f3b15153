import { shallowReactive } from "vue";

import { connection } from "./connection";
import { session } from "./session";

// What is answered sooner needs no words about it.
const SLOW_MS = 1000;

const state = shallowReactive<{ slow: boolean; failure: unknown }>({ slow: false, failure: null });

// Before the first page shows: who is signed in, asked until the server says.
export const starting = {
  // Whether that takes long, and why it failed last.
  state,

  async learnWhoIsSignedIn(): Promise<void> {
    if (session.state.status !== "unknown") return;
    const timer = setTimeout(() => (state.slow = true), SLOW_MS);
    while (session.state.status === "unknown") {
      try {
        await session.restore();
      } catch (error) {
        state.failure = error;
        await connection.whenBack();
      }
    }
    clearTimeout(timer);
    Object.assign(state, { slow: false, failure: null });
  },
};
