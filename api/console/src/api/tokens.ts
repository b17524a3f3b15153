import { type Client, type ContentRange, parseContentRange } from "./client";

export type TokenStatus =
  | "pending"
  | "active"
  | "inactive"
  | "expiring"
  | "expired"
  | "revitalised"
  | "deleted";

export type TokenType = "custom" | "zapier";

export interface Actor {
  id: string;
  name: string;
  email: string | null;
}

export interface Token {
  id: string;
  name: string;
  description: string | null;
  external_id: string | null;
  status: TokenStatus;
  extension: { id: string; name: string };
  events: { created: { at: string; by: Actor } };
  expiration_date: string | null;
  token: string | null;
  handle: string | null;
}

export interface TokenFields {
  name: string;
  description: string | null;
  external_id: string | null;
}

export interface NewToken extends TokenFields {
  extension: { name: TokenType };
  expiration_date: string | null;
}

export interface TokenPage {
  tokens: Token[];
  range: ContentRange;
}

export class TokensApi {
  constructor(private readonly client: Client) {}

  async list(offset: number, limit: number, signal?: AbortSignal): Promise<TokenPage> {
    const { body, headers } = await this.client.call<Token[]>(
      `/auth/tokens?limit=${limit}&offset=${offset}`,
      signal ? { signal } : {},
    );
    return { tokens: body, range: parseContentRange(headers.get("Content-Range")) };
  }

  async read(id: string): Promise<Token> {
    return (await this.client.call<Token>(path(id))).body;
  }

  async create(token: NewToken, idempotencyKey: string): Promise<Token> {
    return (await this.client.call<Token>("/auth/tokens", { method: "POST", body: token, idempotencyKey })).body;
  }

  async update(id: string, fields: TokenFields): Promise<Token> {
    return (await this.client.call<Token>(path(id), { method: "PUT", body: fields })).body;
  }

  async remove(id: string): Promise<void> {
    await this.client.call(path(id), { method: "DELETE" });
  }

  // The API key or the handle; the server writes down who asked.
  async reveal(id: string): Promise<string> {
    return valueOf((await this.client.call<Token>(`${path(id)}/reveal`, { method: "POST" })).body);
  }
}

function path(id: string): string {
  return `/auth/tokens/${encodeURIComponent(id)}`;
}

// What its owner takes away: the API key of a custom token, the handle of a Zapier one.
export function valueOf(token: Pick<Token, "token" | "handle">): string {
  return token.token ?? token.handle ?? "";
}

export function typeOf(token: Pick<Token, "extension">): TokenType {
  return token.extension.name === "zapier" ? "zapier" : "custom";
}
