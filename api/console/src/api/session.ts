import type { Client } from "./client";

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
}

export class SessionApi {
  constructor(private readonly client: Client) {}

  async context(): Promise<SessionContext> {
    return (await this.client.call<SessionContext>("/auth/context")).body;
  }

  async signIn(email: string, password: string): Promise<SessionContext> {
    const body = { email, password };
    return (await this.client.call<SessionContext>("/auth/login", { method: "POST", body })).body;
  }

  async signOut(): Promise<void> {
    await this.client.call("/auth/logout", { method: "POST" });
  }
}
