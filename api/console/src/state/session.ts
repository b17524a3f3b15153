import { computed, reactive } from "vue";

import { client, sessionApi } from "../api";
import type { Refused } from "../api/client";
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
  apiUrl: string | null;
  // Counts the times that an ended session was taken up again, for pages to watch and load anew.
  resumed: number;
}

const state = reactive<State>({ status: "unknown", user: null, account: null, position: null, apiUrl: null, resumed: 0 });
// What proves the writes of the session that is there.
let csrfToken: string | null = null;

function useCsrfToken(token: string | null): void {
  csrfToken = token;
  client.useCsrfToken(token);
}

function enter(context: SessionContext): void {
  useCsrfToken(context.csrf_token);
  const { user, account, position, api_url: apiUrl = null } = context;
  Object.assign(state, { status: "signed-in", user, account, position, apiUrl });
}

function leave(): void {
  useCsrfToken(null);
  Object.assign(state, { status: "signed-out", user: null, account: null, position: null, apiUrl: null });
}

export const session = {
  state,
  isOpen: computed(() => state.status === "signed-in"),
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

  // Asks who is signed in now: their role may have changed, and another page of this browser may have signed in
  // anew, so that an ended session goes on here too, or as somebody else, whose page this then is not. Throws a
  // Failure where the server does not say; where it no longer knows the session, that is told as with any call.
  async verify(): Promise<void> {
    const context = await sessionApi.context();
    const { status } = state;
    if (status !== "signed-in" && status !== "ended") return;
    if (context.user?.id !== state.user?.id) return leave();
    enter(context);
    if (status === "ended") state.resumed += 1;
  },

  // A write was refused: why, and with what it may be sent again.
  async askWhyRefused(): Promise<Refused> {
    const before = csrfToken;
    await session.verify();
    if (state.status !== "signed-in") return "signed-out";
    return csrfToken === before ? "refused" : "send-again";
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
    useCsrfToken(null);
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
