import type { Client } from "./client";
import type { Role } from "./session";

export const ROLES = ["owner", "member", "auditor"] as const satisfies readonly Role[];

// Somebody of the account.
export interface Member {
  id: string;
  name: string;
  email: string;
  role: Role;
  status: "active" | "inactive" | "deleted";
  events: {
    created: { at: string };
    signed?: { at: string };
  };
}

export interface Invitation {
  email: string;
  name?: string;
  role: Role;
}

// An account has more than this hardly ever; who is behind it can be searched for.
const LISTED_MAX = 1000;

export class UsersApi {
  constructor(private readonly client: Client) {}

  async list(account: string): Promise<Member[]> {
    const url = `${path(account)}?ordering(email)&limit=${LISTED_MAX}`;
    return (await this.client.call<Member[]>(url)).body;
  }

  // The password, shown this once; null where the invitation was there already.
  async invite(account: string, invitation: Invitation, idempotencyKey: string): Promise<string | null> {
    const call = { method: "POST", body: invitation, idempotencyKey } as const;
    return (await this.client.call<{ password: string | null }>(path(account), call)).body.password;
  }

  // In place of the one they had; shown this once. Ends their sessions.
  async givePassword(account: string, id: string): Promise<string> {
    const url = `${path(account, id)}/password`;
    return (await this.client.call<{ password: string }>(url, { method: "POST" })).body.password;
  }

  async setRole(account: string, id: string, role: Role): Promise<void> {
    await this.client.call(path(account, id), { method: "PUT", body: { role } });
  }

  async activate(account: string, id: string): Promise<void> {
    await this.client.call(`${path(account, id)}/activate`, { method: "POST" });
  }

  async deactivate(account: string, id: string): Promise<void> {
    await this.client.call(`${path(account, id)}/deactivate`, { method: "POST" });
  }

  async remove(account: string, id: string): Promise<void> {
    await this.client.call(path(account, id), { method: "DELETE" });
  }
}

function path(account: string, id?: string): string {
  const users = `/accounts/${encodeURIComponent(account)}/users`;
  return id === undefined ? users : `${users}/${encodeURIComponent(id)}`;
}
