import { computed, reactive } from "vue";

import { client, sessionApi } from "../api";
import { Failure } from "../api/errors";
import type { Account, SessionContext, User } from "../api/session";

interface State {
  // "unknown" until the server has been asked, once a page load.
  status: "unknown" | "signed-in" | "signed-out";
  user: User | null;
  account: Account | null;
  // Signed out by the server rather than by the person.
  ended: boolean;
}

const state = reactive<State>({ status: "unknown", user: null, account: null, ended: false });

function enter(context: SessionContext): void {
  client.useCsrfToken(context.csrf_token);
  Object.assign(state, { status: "signed-in", user: context.user, account: context.account, ended: false });
}

function leave(ended: boolean): void {
  client.useCsrfToken(null);
  Object.assign(state, { status: "signed-out", user: null, account: null, ended });
}

export const session = {
  state,
  canWrite: computed(() => state.user !== null && state.user.role !== "auditor"),

  // Asks who is signed in; throws a Failure where the server cannot be asked.
  async restore(): Promise<void> {
    try {
      enter(await sessionApi.context());
    } catch (error) {
      if (!(error instanceof Failure) || error.kind !== "signed-out") throw error;
      leave(false);
    }
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
    leave(false);
  },

  // The server no longer knows the session.
  expire(): void {
    if (state.status === "signed-in") leave(true);
  },
};
