import { type Client, parseContentRange } from "./client";
import type { Listed } from "./deliveries";
import { rqlQuery, rqlText } from "./rql";
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

// As many as the API lists at one time.
const LISTED_MAX = 1000;

export class UsersApi {
  constructor(private readonly client: Client) {}

  // By e-mail address; with `search`, those whose address, name or id holds it.
  async list(
    account: string,
    search: string,
    offset: number,
    limit: number,
    signal?: AbortSignal,
  ): Promise<Listed<Member>> {
    const query = rqlQuery([
      search !== "" && `search=${rqlText(search)}`,
      "ordering(email)",
      `limit=${limit}`,
      `offset=${offset}`,
    ]);
    const { body, headers } = await this.client.call<Member[]>(`${path(account)}?${query}`, signal ? { signal } : {});
    return { items: body, range: parseContentRange(headers.get("Content-Range")) };
  }

  // All of them, however many calls that takes.
  async all(account: string): Promise<Member[]> {
    const members: Member[] = [];
    for (;;) {
      const { items, range } = await this.list(account, "", members.length, LISTED_MAX);
      members.push(...items);
      if (items.length === 0 || members.length >= range.total) return members;
    }
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
