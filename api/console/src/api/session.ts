import type { Answer, Client } from "./client";

export type Role = "owner" | "member" | "auditor";

export interface User {
  id: string;
  name: string;
  email: string;
  role: Role;
}

export interface Account {
  id: string;
  name: string;
}

export interface SessionContext {
  user: User | null;
  account: Account;
  csrf_token: string | null;
  // Where API clients reach this Mintmark, where its operator has said so.
  api_url?: string | null;
  // In the log: what is read from here on shows all up to it. Null where the server does not say.
  position: string | null;
}

// One of the places where the person is signed in.
export interface OwnSession {
  id: string;
  client_ip: string;
  current: boolean;
  events: { created: { at: string } };
}

export class SessionApi {
  constructor(private readonly client: Client) {}

  async context(): Promise<SessionContext> {
    return contextOf(await this.client.call("/auth/context"));
  }

  async signIn(email: string, password: string): Promise<SessionContext> {
    const body = { email, password };
    return contextOf(await this.client.call("/auth/login", { method: "POST", body }));
  }

  async signOut(): Promise<void> {
    await this.client.call("/auth/logout", { method: "POST" });
  }

  // Ends the person's other sessions.
  async changePassword(current: string, wanted: string): Promise<void> {
    const body = { current_password: current, password: wanted };
    await this.client.call("/auth/password", { method: "POST", body });
  }

  async sessions(): Promise<OwnSession[]> {
    return (await this.client.call<OwnSession[]>("/auth/sessions")).body;
  }

  async endSession(id: string): Promise<void> {
    await this.client.call(`/auth/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
  }
}

function contextOf({ body, headers }: Answer<Omit<SessionContext, "position">>): SessionContext {
  return { ...body, position: headers.get("Mintmark-Position") };
}
