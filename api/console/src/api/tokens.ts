import { type Client, parseContentRange } from "./client";
import type { Listed } from "./deliveries";
import { rqlQuery, rqlText } from "./rql";

export const TOKEN_STATUSES = ["pending", "active", "inactive", "expiring", "expired", "revitalised"] as const;

export type TokenStatus = (typeof TOKEN_STATUSES)[number] | "deleted";
// How a token is used: every type but zapier, the account's own ones too, has an API key.
export type TokenType = "custom" | "zapier";

export interface Actor {
  id: string;
  name: string;
  email: string | null;
}

export interface Permission {
  id: string;
  object: { id: string };
}

export interface Token {
  id: string;
  name: string;
  description: string | null;
  external_id: string | null;
  status: TokenStatus;
  extension: { id: string; name: string };
  events: { created: { at: string; by: Actor } };
  permissions: Permission[];
  // Without it a token may call every module.
  restricted: boolean;
  expiration_date: string | null;
  renewed_expiration_date: string | null;
  token: string | null;
  handle: string | null;
  renewed_token: string | null;
  // What went wrong with the connection of a Zapier token, and the job that prepares it.
  provisioning?: Provisioning | null;
  // Null where it never was, as far as is known.
  last_used_at?: string | null;
}

export interface Provisioning {
  job: { id: string };
  status: "retrying" | "failed";
  attempts: number;
  error: string;
  failure?: string | null;
  last_status?: number | null;
  next_attempt_at: string | null;
}

export interface TokenFields {
  name: string;
  description: string | null;
  external_id: string | null;
}

export interface NewToken extends TokenFields {
  extension: { id: string };
  expiration_date: string | null;
}

// Without a date the new value lives as long as the old one was given; null is for ever.
export interface NewExpiry {
  expiration_date?: string | null;
}

// The orders that the list offers, by what the API calls them.
export const TOKEN_ORDERS = {
  newest: "",
  oldest: "events.created.at",
  label: "name",
  "label-reversed": "-name",
  type: "extension.id",
  status: "status",
  expiry: "expiration_date",
} as const;
export type TokenOrder = keyof typeof TOKEN_ORDERS;

export interface TokenQuery {
  search: string;
  type: string; // an extension's name, or empty
  status: TokenStatus | "";
  order: TokenOrder;
}

// A token in the version that it was read in, which its change then names.
export interface VersionedToken {
  token: Token;
  version: string | null;
}

export function tokenListQuery(query: TokenQuery, offset: number, limit: number): string {
  const order = TOKEN_ORDERS[query.order];
  return rqlQuery([
    query.search !== "" && `search=${rqlText(query.search)}`,
    query.type !== "" && `extension.name=${/^[\w.-]+$/.test(query.type) ? query.type : rqlText(query.type)}`,
    query.status && `status=${query.status}`,
    order && `ordering(${order})`,
    `limit=${limit}`,
    `offset=${offset}`,
  ]);
}

export class TokensApi {
  constructor(private readonly client: Client) {}

  async list(query: TokenQuery, offset: number, limit: number, signal?: AbortSignal): Promise<Listed<Token>> {
    const { body, headers } = await this.client.call<Token[]>(
      `/auth/tokens?${tokenListQuery(query, offset, limit)}`,
      signal ? { signal } : {},
    );
    return { items: body, range: parseContentRange(headers.get("Content-Range")) };
  }

  async read(id: string): Promise<VersionedToken> {
    const { body, headers } = await this.client.call<Token>(path(id));
    return { token: body, version: headers.get("ETag") };
  }

  async create(token: NewToken, idempotencyKey: string): Promise<Token> {
    return (await this.client.call<Token>("/auth/tokens", { method: "POST", body: token, idempotencyKey })).body;
  }

  async update(id: string, fields: TokenFields, version: string | null): Promise<Token> {
    return (await this.client.call<Token>(path(id), { method: "PUT", body: fields, ifMatch: version })).body;
  }

  async remove(id: string): Promise<void> {
    await this.client.call(path(id), { method: "DELETE" });
  }

  async activate(id: string): Promise<void> {
    await this.client.call(`${path(id)}/activate`, { method: "POST" });
  }

  async deactivate(id: string): Promise<void> {
    await this.client.call(`${path(id)}/deactivate`, { method: "POST" });
  }

  // Rotating or renewing answers the token with its new value.
  async replaceValue(
    how: "rotate" | "renew",
    id: string,
    expiry: NewExpiry,
    version: string | null,
    idempotencyKey: string,
  ): Promise<Token> {
    const call = { method: "POST", body: expiry, ifMatch: version, idempotencyKey } as const;
    return (await this.client.call<Token>(`${path(id)}/${how}`, call)).body;
  }

  async grant(id: string, modules: readonly string[], version: string | null = null): Promise<void> {
    const body = modules.map((module) => ({ object: { id: module } }));
    await this.client.call(`${path(id)}/permissions`, { method: "POST", body, ifMatch: version });
  }

  async revoke(id: string, modules: readonly string[], version: string | null = null): Promise<void> {
    const body = modules.map((module) => ({ object: { id: module } }));
    await this.client.call(`${path(id)}/permissions`, { method: "DELETE", body, ifMatch: version });
  }

  // The API key or the handle; the server writes down who asked.
  async reveal(id: string): Promise<string> {
    return valueOf((await this.client.call<Token>(`${path(id)}/reveal`, { method: "POST" })).body);
  }
}

function path(id: string): string {
  return `/auth/tokens/${encodeURIComponent(id)}`;
}

// What its owner takes away: the API key of a custom token, the handle of a Zapier one; of a renewed token the
// new one, since the old one ends.
export function valueOf(token: Pick<Token, "token" | "handle" | "renewed_token">): string {
  return token.renewed_token ?? token.token ?? token.handle ?? "";
}

export function typeOf(token: Pick<Token, "extension">): TokenType {
  return token.extension.name === "zapier" ? "zapier" : "custom";
}
