import { Failure, failureOf } from "./errors";
import { within } from "./within";

export interface Call {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  // Makes a write safe to send again: the server answers the second as the first.
  idempotencyKey?: string;
  // The version that the thing must still be in, as its ETag said; null takes any.
  ifMatch?: string | null;
  signal?: AbortSignal;
}

export interface Answer<T> {
  body: T;
  headers: Headers;
}

// Why a write was refused: "send-again" where it went with the proof of a session that another took the place of,
// "signed-out" where that is another person's.
export type Refused = "refused" | "send-again" | "signed-out";

export const BASE = "/public/v1";

// What is not there by then does not come: the connection is lost, though nobody said so.
export const ANSWER_MS_MAX = 30_000;

// The REST client of the signed-in person. Their session is a cookie that scripts cannot read; what proves
// that this page and no other sends a write is the CSRF token, kept here, in memory, and nowhere else.
export class Client {
  private csrfToken: string | null = null;
  private readonly listeners = {
    signedOut: () => {},
    reached: () => {},
    unreachable: () => {},
    refused: (): Promise<Refused> => Promise.resolve("refused"),
  };

  constructor(private readonly fetcher: typeof fetch = (input, init) => fetch(input, init)) {}

  useCsrfToken(token: string | null): void {
    this.csrfToken = token;
  }

  onSignedOut(listener: () => void): void {
    this.listeners.signedOut = listener;
  }

  // Asked about a write that was refused: whether another session than this client's stands behind the cookie.
  onRefused(listener: () => Promise<Refused>): void {
    this.listeners.refused = listener;
  }

  onConnection(reached: () => void, unreachable: () => void): void {
    this.listeners.reached = reached;
    this.listeners.unreachable = unreachable;
  }

  // Throws a Failure for everything but a 2xx.
  async call<T>(path: string, call: Call = {}): Promise<Answer<T>> {
    try {
      return await this.callOnce(path, call);
    } catch (error) {
      const refused = error instanceof Failure && error.kind === "forbidden" && (call.method ?? "GET") !== "GET";
      if (!refused || this.csrfToken === null) throw error;
      const why = await this.listeners.refused();
      if (why === "signed-out") throw new Failure("signed-out", "");
      if (why === "refused") throw error;
      return this.callOnce(path, call);
    }
  }

  private async callOnce<T>(path: string, call: Call): Promise<Answer<T>> {
    const { response, text } = await this.send(BASE + path, call);
    const body = parseBody(response, text);
    if (response.ok) {
      this.listeners.reached();
      return { body: body as T, headers: response.headers };
    }
    const failure = failureOf(response.status, body, response.headers);
    if (failure.kind === "unreachable") this.listeners.unreachable();
    else this.listeners.reached();
    if (failure.kind === "signed-out") this.listeners.signedOut();
    throw failure;
  }

  // The answer, once all of it is there: a connection may be lost behind its head as well.
  private async send(url: string, { method = "GET", body, idempotencyKey, ifMatch, signal }: Call) {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method !== "GET" && this.csrfToken) headers["X-CSRF-Token"] = this.csrfToken;
    if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
    if (ifMatch) headers["If-Match"] = ifMatch;
    const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
    if (body !== undefined) init.body = JSON.stringify(body);
    const ask = async (ending: AbortSignal) => {
      const response = await this.fetcher(url, { ...init, signal: ending });
      return { response, text: await response.text() };
    };
    try {
      return await within(ANSWER_MS_MAX, ask, signal);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      this.listeners.unreachable();
      throw new Failure("unreachable", "");
    }
  }
}

// What an answer says; null where it says nothing, or where an error says it in another form than ours.
function parseBody(response: Response, text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    if (response.ok) throw new Failure("broken", "");
    return null;
  }
}

export interface ContentRange {
  first: number;
  last: number;
  total: number;
}

// "items 0-24/1234"; what is none of that counts as an empty list.
export function parseContentRange(value: string | null): ContentRange {
  const match = /^items (\d+)-(\d+)\/(\d+)$/.exec(value ?? "");
  if (!match) return { first: 0, last: 0, total: 0 };
  return { first: Number(match[1]), last: Number(match[2]), total: Number(match[3]) };
}

// 128 random bits. crypto.randomUUID would need https or localhost.
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// One key for as long as what is sent stays the same, a new one once it changes or was answered: the same again is
// then another.
export class IdempotencyKeys {
  private content: string | null = null;
  private key = "";

  for(body: unknown): string {
    const content = JSON.stringify(body);
    if (content !== this.content) {
      this.content = content;
      this.key = newIdempotencyKey();
    }
    return this.key;
  }

  // What was sent has succeeded.
  done(): void {
    this.content = null;
  }
}
