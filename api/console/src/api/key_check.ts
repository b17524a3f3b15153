import { ANSWER_MS_MAX, BASE } from "./client";
import { Failure, failureOf } from "./errors";
import type { Account } from "./session";
import type { Token } from "./tokens";
import { within } from "./within";

export type KeyVerdict =
  | { kind: "allowed"; token: Token; account: Account }
  | { kind: "refused" } // a known key whose token may not act
  | { kind: "unknown" };

export type PastedKey = { kind: "key"; key: string } | { kind: "handle" } | { kind: "empty" } | { kind: "not-a-key" };

// A key as people paste it: alone, quoted, or with the header around it.
export function readPastedKey(text: string): PastedKey {
  const bare = text
    .trim()
    .replace(/^["']|["']$/g, "")
    .replace(/^authorization:\s*/i, "")
    .replace(/^apikey\s+/i, "")
    .trim();
  if (bare === "") return { kind: "empty" };
  if (/^[0-9a-f]{40}(@.*)?$/i.test(bare)) return { kind: "handle" };
  if (/^SU-\d{3}-\d{3}-\d{3}:[!-~]+$/.test(bare)) return { kind: "key", key: bare };
  return { kind: "not-a-key" };
}

// Who the key says that it is, asked with it in place of the session: the one thing that every key may ask,
// whatever it may call.
export async function checkKey(key: string, fetcher: typeof fetch = (i, init) => fetch(i, init)): Promise<KeyVerdict> {
  let response: Response;
  try {
    const headers = { Accept: "application/json", Authorization: `ApiKey ${key}` };
    const ask = (signal: AbortSignal) =>
      fetcher(`${BASE}/auth/context`, { headers, credentials: "omit", cache: "no-store", signal });
    response = await within(ANSWER_MS_MAX, ask);
  } catch {
    throw new Failure("unreachable", "");
  }
  if (response.status === 401) return { kind: "unknown" };
  if (response.status === 403) return { kind: "refused" };
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok || body === null) throw failureOf(response.status, body, response.headers);
  const { token, account } = body as { token: Token; account: Account };
  return { kind: "allowed", token, account };
}
