import { Failure } from "./errors";

export type KeyVerdict =
  | { kind: "allowed"; token: string; account: string; name: string; type: string }
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

// The gateway's own question, asked with the key in place of the session.
export async function checkKey(key: string, fetcher: typeof fetch = (i, init) => fetch(i, init)): Promise<KeyVerdict> {
  let response: Response;
  try {
    response = await fetcher("/authorize", {
      headers: { Authorization: `ApiKey ${key}` },
      credentials: "omit",
      cache: "no-store",
    });
  } catch {
    throw new Failure("unreachable", "");
  }
  if (response.status === 401) return { kind: "unknown" };
  if (response.status === 403) return { kind: "refused" };
  if (!response.ok) throw new Failure("broken", "");
  const header = (name: string) => response.headers.get(`X-Mintmark-${name}`) ?? "";
  return {
    kind: "allowed",
    token: header("Token"),
    account: header("Account"),
    name: decodeName(header("Name")),
    type: header("Type"),
  };
}

// Names travel percent-encoded, since header fields carry ASCII.
export function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
