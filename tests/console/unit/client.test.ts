import { webcrypto } from "node:crypto";

import { describe, expect, it, vi } from "vitest";

import { Client, IdempotencyKeys, newIdempotencyKey, parseContentRange } from "../../../api/console/src/api/client";
import { DeliveriesApi } from "../../../api/console/src/api/deliveries";
import { Failure } from "../../../api/console/src/api/errors";
import { eventFilters, type EventQuery, exportAddress } from "../../../api/console/src/api/events";
import { tokenListQuery, type TokenQuery, TokensApi } from "../../../api/console/src/api/tokens";

// Node.js 18 has what browsers have, but under no global name.
vi.stubGlobal("crypto", webcrypto);

interface Sent {
  url: string;
  init: RequestInit;
  headers: Record<string, string>;
}

// A client whose requests are written down and answered with the given responses, in order.
function clientAnswering(...responses: (Response | Error)[]) {
  const sent: Sent[] = [];
  const client = new Client((url, init = {}) => {
    sent.push({ url: String(url), init, headers: init.headers as Record<string, string> });
    const next = responses.shift() ?? new Error("nothing more was to be asked");
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  });
  return { client, sent };
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}

describe("a call", () => {
  it("asks below /public/v1 with the session's cookie and past every cache", async () => {
    const { client, sent } = clientAnswering(json(200, { id: 1 }));
    expect((await client.call("/auth/context")).body).toEqual({ id: 1 });
    expect(sent[0]).toMatchObject({
      url: "/public/v1/auth/context",
      init: { method: "GET", credentials: "same-origin", cache: "no-store" },
    });
    expect(sent[0]?.init.body).toBeUndefined();
  });

  it("sends the CSRF token with writes and not with reads", async () => {
    const { client, sent } = clientAnswering(json(200, []), json(201, {}), new Response(null, { status: 204 }));
    client.useCsrfToken("proof");
    await client.call("/auth/tokens");
    await client.call("/auth/tokens", { method: "POST", body: { name: "a" }, idempotencyKey: "key" });
    await client.call("/auth/tokens/SU-1", { method: "DELETE" });
    expect(sent[0]?.headers).not.toHaveProperty("X-CSRF-Token");
    expect(sent[1]?.headers).toMatchObject({
      "X-CSRF-Token": "proof",
      "Idempotency-Key": "key",
      "Content-Type": "application/json",
    });
    expect(sent[1]?.init.body).toBe('{"name":"a"}');
    expect(sent[2]?.headers).toMatchObject({ "X-CSRF-Token": "proof" });
  });

  it("sends no CSRF token once it is forgotten", async () => {
    const { client, sent } = clientAnswering(json(200, {}));
    client.useCsrfToken("proof");
    client.useCsrfToken(null);
    await client.call("/auth/login", { method: "POST", body: {} });
    expect(sent[0]?.headers).not.toHaveProperty("X-CSRF-Token");
  });

  it("tells messages for fields apart from others", async () => {
    const lines = ["name: This field may not be blank.", "extension.id: There is none.", "name: Too long.", "Odd: all"];
    const { client } = clientAnswering(json(400, { error_code: "VAL_001", errors: lines }));
    const failure = await failureOf(client.call("/auth/tokens", { method: "POST", body: {} }));
    expect(failure.kind).toBe("invalid");
    expect(failure.fields).toEqual({
      name: "This field may not be blank. Too long.",
      "extension.id": "There is none.",
    });
    expect(failure.message).toBe("Odd: all");
  });

  it.each([
    [401, "AUTH_001", "signed-out"],
    [403, "AUTH_003", "forbidden"],
    [404, "NFND_000", "not-found"],
    [409, "CNF_001", "conflict"],
    [412, "REQ_010", "changed"],
    [429, "THR_001", "throttled"],
    [503, "SRV_001", "busy"],
    [503, "SRV_002", "unknown-outcome"],
    [507, "SRV_003", "full"],
    [502, "", "unreachable"],
    [500, "SRV_000", "broken"],
  ])("takes %i %s for %s", async (status, code, kind) => {
    const { client } = clientAnswering(json(status, { error_code: code, errors: ["…"] }));
    expect((await failureOf(client.call("/x"))).kind).toBe(kind);
  });

  it("says how long to wait where the server does", async () => {
    const refusal = (headers: Record<string, string>) => json(429, { error_code: "THR_001", errors: [] }, headers);
    const { client } = clientAnswering(refusal({ "Retry-After": "30" }), refusal({ "Retry-After": "soon" }), refusal({}));
    expect((await failureOf(client.call("/x"))).retryAfterSeconds).toBe(30);
    expect((await failureOf(client.call("/x"))).retryAfterSeconds).toBeNull();
    expect((await failureOf(client.call("/x"))).retryAfterSeconds).toBeNull();
  });

  it("survives an error whose body is none of ours", async () => {
    const { client } = clientAnswering(new Response("<html>", { status: 500 }), json(400, { errors: "no list" }));
    expect((await failureOf(client.call("/x"))).kind).toBe("broken");
    expect(await failureOf(client.call("/x"))).toMatchObject({ kind: "invalid", message: "", fields: {} });
  });

  it("tells of a lost and of a regained connection", async () => {
    const { client } = clientAnswering(new TypeError("Failed to fetch"), json(200, {}));
    const reached = vi.fn();
    const unreachable = vi.fn();
    client.onConnection(reached, unreachable);
    expect((await failureOf(client.call("/x"))).kind).toBe("unreachable");
    expect([reached.mock.calls.length, unreachable.mock.calls.length]).toEqual([0, 1]);
    await client.call("/x");
    expect([reached.mock.calls.length, unreachable.mock.calls.length]).toEqual([1, 1]);
  });

  it("is a lost connection where the answer ends before all of it is there", async () => {
    const cut = new Response(new ReadableStream({ start: (stream) => stream.error(new TypeError("terminated")) }));
    const { client } = clientAnswering(cut, new Response("<html>", { status: 200 }));
    const unreachable = vi.fn();
    client.onConnection(() => {}, unreachable);
    expect((await failureOf(client.call("/x"))).kind).toBe("unreachable");
    expect(unreachable).toHaveBeenCalledOnce();
    expect((await failureOf(client.call("/x"))).kind).toBe("broken");
  });

  it("is not a lost connection when it was called off", async () => {
    const { client } = clientAnswering(new DOMException("", "AbortError"));
    const unreachable = vi.fn();
    client.onConnection(() => {}, unreachable);
    await expect(client.call("/x")).rejects.toThrow(DOMException);
    expect(unreachable).not.toHaveBeenCalled();
  });

  it("tells of a session that has ended", async () => {
    const { client } = clientAnswering(json(401, { error_code: "AUTH_001", errors: ["Sign in first."] }));
    const signedOut = vi.fn();
    client.onSignedOut(signedOut);
    await failureOf(client.call("/x"));
    expect(signedOut).toHaveBeenCalledOnce();
  });
});

describe("a write that is refused", () => {
  const refusal = () => json(403, { error_code: "AUTH_003", errors: ["X-CSRF-Token is not the session's."] });
  const write = (client: Client) => client.call("/auth/tokens", { method: "POST", body: {}, idempotencyKey: "key" });

  it("is sent again with the proof of the session that took the place of the old one", async () => {
    const { client, sent } = clientAnswering(refusal(), json(201, { id: "SU-1" }));
    client.useCsrfToken("old");
    client.onRefused(() => {
      client.useCsrfToken("new");
      return Promise.resolve("send-again");
    });
    expect((await write(client)).body).toEqual({ id: "SU-1" });
    expect(sent.map(({ headers }) => headers["X-CSRF-Token"])).toEqual(["old", "new"]);
    expect(sent[1]?.headers).toMatchObject({ "Idempotency-Key": "key" });
  });

  it("stays refused where the session is the same, and is sent again no more than once", async () => {
    const { client, sent } = clientAnswering(refusal(), refusal(), refusal());
    client.useCsrfToken("proof");
    client.onRefused(() => Promise.resolve("refused"));
    expect((await failureOf(write(client))).kind).toBe("forbidden");
    client.onRefused(() => Promise.resolve("send-again"));
    expect((await failureOf(write(client))).kind).toBe("forbidden");
    expect(sent).toHaveLength(3);
  });

  it("is over where somebody else is signed in; a read that is refused asks nothing", async () => {
    const { client } = clientAnswering(refusal(), refusal());
    const asked = vi.fn(() => Promise.resolve("signed-out" as const));
    client.useCsrfToken("proof");
    client.onRefused(asked);
    expect((await failureOf(client.call("/x"))).kind).toBe("forbidden");
    expect(asked).not.toHaveBeenCalled();
    expect((await failureOf(write(client))).kind).toBe("signed-out");
  });
});

const everything: TokenQuery = { search: "", type: "", status: "", order: "newest" };

describe("a change to what was read", () => {
  it("names the version that it was read in, and is told apart where that is past", async () => {
    const { client, sent } = clientAnswering(json(200, { id: "SU-1" }, { ETag: '"7"' }), json(412, { errors: [] }));
    const tokens = new TokensApi(client);
    const { version } = await tokens.read("SU-1");
    const change = tokens.update("SU-1", { name: "a", description: null, external_id: null }, version);
    expect((await failureOf(change)).kind).toBe("changed");
    expect(sent[0]?.headers).not.toHaveProperty("If-Match");
    expect(sent[1]?.headers).toMatchObject({ "If-Match": '"7"' });
  });
});

describe("the token list's query", () => {
  const query = (changes: Partial<TokenQuery>) => decodeURIComponent(tokenListQuery({ ...everything, ...changes }, 0, 25));

  it("asks for what was chosen and nothing else", () => {
    expect(query({})).toBe("limit=25&offset=0");
    expect(query({ type: "zapier", status: "expired", order: "expiry" })).toBe(
      "extension.name=zapier&status=expired&ordering(expiration_date)&limit=25&offset=0",
    );
  });

  it("asks for a type of one's own by its name, whatever that is", () => {
    expect(query({ type: "Partner & co" })).toContain('extension.name="Partner & co"');
  });

  it("searches for texts as they are", () => {
    expect(query({ search: "a&b=(c)" })).toContain('search="a&b=(c)"&');
    expect(query({ search: "100*" })).toContain('search="100\\*"');
    expect(query({ search: 'say "hi"' })).toContain("search='say \"hi\"'");
    expect(query({ search: `it's ""quoted""` })).toContain(`search="it's *quoted"`);
    expect(tokenListQuery({ ...everything, search: "a&b" }, 0, 25)).toContain("search=%22a%26b%22");
  });
});

describe("the token list", () => {
  it("asks for a page and reads how many there are", async () => {
    const { client, sent } = clientAnswering(json(200, [{ id: "SU-1" }], { "Content-Range": "items 50-50/51" }));
    const page = await new TokensApi(client).list(everything, 50, 25);
    expect(sent[0]?.url).toBe("/public/v1/auth/tokens?limit=25&offset=50");
    expect(page.range).toEqual({ first: 50, last: 50, total: 51 });
    expect(page.items).toHaveLength(1);
  });

  it.each([
    ["items 0-24/1234567", { first: 0, last: 24, total: 1234567 }],
    ["items 0-0/0", { first: 0, last: 0, total: 0 }],
    ["items 0-24/*", { first: 0, last: 0, total: 0 }],
    ["", { first: 0, last: 0, total: 0 }],
    [null, { first: 0, last: 0, total: 0 }],
  ])("reads Content-Range %j", (value, range) => {
    expect(parseContentRange(value)).toEqual(range);
  });
});

describe("the events' query", () => {
  const nothing: EventQuery = { type: "", actor: "", object: "", ip: "", from: "", to: "" };

  it("asks for what was chosen and nothing else", () => {
    expect(eventFilters(nothing)).toBe("");
    const query = { type: "TokenCreated", actor: "UR-1", object: "SU-1", ip: "", from: "2026-01-01T00:00:00+00:00", to: "" };
    expect(decodeURIComponent(eventFilters(query))).toBe(
      "type=TokenCreated&actor.id=UR-1&object.id=SU-1&ge(at,2026-01-01T00:00:00+00:00)",
    );
    expect(eventFilters({ ...nothing, actor: "operator" })).toBe("actor.kind=operator");
    expect(decodeURIComponent(eventFilters({ ...nothing, ip: "2001:db8::1" }))).toBe("client_ip=2001:db8::1");
  });

  it("is the export's too, and cannot be left by what is typed", () => {
    expect(exportAddress(nothing, "csv")).toBe("/public/v1/events/export?format=csv");
    expect(exportAddress({ ...nothing, object: "a&format=b" }, "jsonl")).toBe(
      "/public/v1/events/export?format=jsonl&object.id=%22a%26format%3Db%22",
    );
  });
});

describe("retrying all that match", () => {
  it("counts without doing it, then does it once", async () => {
    const { client, sent } = clientAnswering(json(200, { count: 3 }), json(200, { count: 3 }));
    const deliveries = new DeliveriesApi(client);
    const query = { status: "dead", kind: "", search: "WH-1" } as const;
    expect(await deliveries.countToRetry(query)).toBe(3);
    expect(await deliveries.retryAll(query, "key")).toBe(3);
    expect(sent.map(({ url }) => decodeURIComponent(url))).toEqual([
      '/public/v1/jobs/retry?status=dead&search="WH-1"&dry_run=true',
      '/public/v1/jobs/retry?status=dead&search="WH-1"',
    ]);
    expect(sent[1]?.headers).toMatchObject({ "Idempotency-Key": "key" });
  });
});

describe("an idempotency key", () => {
  it("is 128 random bits", () => {
    expect(newIdempotencyKey()).toMatch(/^[0-9a-f]{32}$/);
    expect(newIdempotencyKey()).not.toBe(newIdempotencyKey());
  });

  it("stays while the content stays, and only then", () => {
    const keys = new IdempotencyKeys();
    const first = keys.for({ name: "a" });
    expect(keys.for({ name: "a" })).toBe(first);
    expect(keys.for({ name: "b" })).not.toBe(first);
  });

  it("is another once what was sent has succeeded, though the same is sent", () => {
    const keys = new IdempotencyKeys();
    const first = keys.for({ name: "a" });
    keys.done();
    const second = keys.for({ name: "a" });
    expect(second).not.toBe(first);
    expect(keys.for({ name: "a" })).toBe(second);
  });
});
