import { computed, reactive } from "vue";

import { client, sessionApi } from "../api";
import { Failure } from "../api/errors";
import type { Account, SessionContext, User } from "../api/session";

interface State {
  // "unknown" until the server has been asked, once a page load. "ended": by the server; the page stays, with
  // what was typed, until the same person signs in again.
  status: "unknown" | "signed-in" | "ended" | "signed-out";
  user: User | null;
  account: Account | null;
  // In the log, when the session was last taken up.
  position: string | null;
  // Counts the times that an ended session was taken up again, for pages to watch and load anew.
  resumed: number;
}

const state = reactive<State>({ status: "unknown", user: null, account: null, position: null, resumed: 0 });

function enter(context: SessionContext): void {
  client.useCsrfToken(context.csrf_token);
  const { user, account, position } = context;
  Object.assign(state, { status: "signed-in", user, account, position });
}

function leave(): void {
  client.useCsrfToken(null);
  Object.assign(state, { status: "signed-out", user: null, account: null, position: null });
}

export const session = {
  state,
  canWrite: computed(() => state.user !== null && state.user.role !== "auditor"),
  isOwner: computed(() => state.user?.role === "owner"),

  // Asks who is signed in; throws a Failure where the server cannot be asked.
  async restore(): Promise<void> {
    try {
      enter(await sessionApi.context());
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== "signed-out") throw error;
      leave();
    }
  },

  // Throws a Failure unless the server still knows the session; where it does not, that is told as with any call.
  async verify(): Promise<void> {
    await sessionApi.context();
  },

  async signIn(email: string, password: string): Promise<void> {
    enter(await sessionApi.signIn(email, password));
  },

  async signOut(): Promise<void> {
    try {
      await sessionApi.signOut();
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== "signed-out") throw error;
    }
    leave();
  },

  // The server no longer knows the session.
  expire(): void {
    if (state.status !== "signed-in") return;
    client.useCsrfToken(null);
    state.status = "ended";
  },

  // The same person again, on the page where their session ended.
  async resume(password: string): Promise<void> {
    if (!state.user) return leave();
    enter(await sessionApi.signIn(state.user.email, password));
    state.resumed += 1;
  },

  // Nobody takes it up again: on to the sign-in page.
  abandon(): void {
    if (state.status === "ended") leave();
  },
};
