import { describe, expect, it } from "vitest";

import { checkKey, readPastedKey } from "../../../api/console/src/api/key_check";
import { curlLine, endpoint } from "../../../api/console/src/endpoint";
import {
  endOfDay,
  formatDateTime,
  formatDay,
  formatExactTime,
  formatWait,
  lastOfDay,
  textOrNull,
  today,
} from "../../../api/console/src/format";
import { failureText, inactiveText } from "../../../api/console/src/reasons";
import { searchable } from "../../../api/console/src/searchable";
import { dayOf, oneOf } from "../../../api/console/src/state/list_page";

const secret = "8c8e0b0c1d2e3f405162738495a6b7c8d9eafb0c";
const key = `SU-160-984-824:${secret}`;

describe("dates", () => {
  it("shows the exact moment in UTC as well", () => {
    expect(formatExactTime("2026-11-23T15:04:05+00:00")).toContain("(2026-11-23 15:04:05 UTC)");
  });

  it("shows what is no date as it is", () => {
    expect(formatDateTime("soon")).toBe("soon");
    expect(formatDay("soon")).toBe("soon");
    expect(formatExactTime("soon")).toBe("soon");
  });

  it("takes the end of a day here", () => {
    const end = endOfDay("2030-01-31");
    expect(end).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:59\+00:00$/);
    expect(new Date(end ?? "").getTime()).toBe(new Date(2030, 0, 31, 23, 59, 59).getTime());
    expect(endOfDay("")).toBeNull();
  });

  it("knows a day that is none, in an address as well", () => {
    expect(["2026-02-28", "2028-02-29", "9999-12-31"].map(dayOf)).toEqual(["2026-02-28", "2028-02-29", "9999-12-31"]);
    for (const text of ["2026-02-30", "2026-13-01", "2026-00-10", "2026-1-1", "0050-01-01", "soon", "", null, ["2026-02-28"]]) {
      expect(dayOf(text)).toBe("");
    }
    expect([endOfDay("2026-02-30"), oneOf("Unknown", ["Known"]), oneOf("Known", ["Known"])]).toEqual([null, "", "Known"]);
  });

  it("takes all of a day, whose last moments are parts of a second", () => {
    expect(lastOfDay("2030-01-31")).toBe(endOfDay("2030-01-31")?.replace("59+00:00", "59.999999+00:00"));
    expect(lastOfDay("2030-01-31")).toMatch(/:59\.999999\+00:00$/);
    expect(lastOfDay("")).toBeNull();
  });

  it("tells a wait in units that one counts in", () => {
    expect([formatWait(0), formatWait(45), formatWait(100), formatWait(7000)]).toEqual([
      "1 second",
      "45 seconds",
      "2 minutes",
      "2 hours",
    ]);
  });

  it("knows today here", () => {
    expect(today(new Date(2026, 0, 5, 23, 59))).toBe("2026-01-05");
  });
});

describe("texts", () => {
  it("takes blank for nothing", () => {
    expect([textOrNull("  "), textOrNull(null), textOrNull(" a ")]).toEqual([null, null, "a"]);
  });

  it("names the endpoint that the operator said, else the one that the console came from", () => {
    expect(endpoint(null, "https://mint.example")).toBe("https://mint.example/public/v1");
    expect(endpoint("https://api.example/mint/public/v1", "https://mint.example")).toBe("https://api.example/mint/public/v1");
    expect(curlLine("SU-…:…", "http://[::1]:8080/public/v1")).toBe(
      'curl -H "Authorization: ApiKey SU-…:…" http://[::1]:8080/public/v1/auth/tokens',
    );
  });
});

describe("what is searched for", () => {
  it.each([
    key,
    `curl -H "Authorization: ApiKey ${key}" https://mint.example/public/v1/auth/tokens`,
    `Authorization: ApiKey ${key.toLowerCase()}`,
    `https://mint.example/?key=SU-160-984-824%3A${secret}`,
    "SU-160-984-824:",
  ])("is of a key, wherever it stands, its token's id: %j", (text) => {
    expect(searchable(text)).toEqual({ text: "SU-160-984-824", secret: "key" });
  });

  it.each([secret, ` "${secret}@https://mint.example" `, `{"handle": "${secret.toUpperCase()}"}`])(
    "is nothing of a handle: %j",
    (text) => expect(searchable(text)).toEqual({ text: "", secret: "handle" }),
  );

  it("is any other text as it is", () => {
    for (const text of ["SU-160-984-824", "erp: 7", "100%*", secret.slice(1), "12-deliver_webhook-WH-123-456-789"]) {
      expect(searchable(` ${text} `)).toEqual({ text, secret: null });
    }
  });
});

describe("reasons", () => {
  it("are told in the console's words by the server's code", () => {
    expect(failureText("status", 503, "x")).toBe("The receiver answered 503.");
    expect(failureText("timed_out", null, "x")).toBe("The receiver did not answer in time.");
    expect(failureText("melted", null, "It melted.")).toBe("It melted.");
    const nothing = { inactive_reason: null, inactive_code: null, inactive_since: null };
    expect(inactiveText(nothing)).toBe("");
    const since = "2026-11-23T15:04:05+00:00";
    const failing = inactiveText({ inactive_reason: "x", inactive_code: "failing", inactive_since: since });
    expect(failing).toContain(formatDateTime(since));
    expect(inactiveText({ ...nothing, inactive_reason: "It melted.", inactive_code: "melted" })).toBe("It melted.");
  });
});

describe("a pasted key", () => {
  it.each([key, `  ${key}\n`, `ApiKey ${key}`, `Authorization: ApiKey ${key}`, `"${key}"`])("is read from %j", (text) => {
    expect(readPastedKey(text)).toEqual({ kind: "key", key });
  });

  it("is told from what is none", () => {
    expect(readPastedKey(" ").kind).toBe("empty");
    expect(readPastedKey(secret).kind).toBe("handle");
    expect(readPastedKey(`${secret}@https://mint.example`).kind).toBe("handle");
    expect(readPastedKey("SU-160:x").kind).toBe("not-a-key");
    expect(readPastedKey(`SU-160-984-824:é`).kind).toBe("not-a-key");
  });

  it("is asked who it is without the session, whatever it may call", async () => {
    const token = { id: "SU-160-984-824", name: "Grün 100%", restricted: true };
    const account = { id: "VA-000-001", name: "Acme" };
    let sent: RequestInit | undefined;
    const verdict = await checkKey(key, (url, init) => {
      expect(url).toBe("/public/v1/auth/context");
      sent = init;
      return Promise.resolve(new Response(JSON.stringify({ user: null, token, account }), { status: 200 }));
    });
    expect(sent).toMatchObject({ headers: { Authorization: `ApiKey ${key}` }, credentials: "omit" });
    expect(verdict).toEqual({ kind: "allowed", token, account });
  });

  it("is told of as it was answered where it was neither let in nor refused", async () => {
    const answers = (response: Response) => checkKey(key, () => Promise.resolve(response));
    await expect(answers(new Response("{}", { status: 429 }))).rejects.toMatchObject({ kind: "throttled" });
    await expect(answers(new Response("<html>", { status: 200 }))).rejects.toMatchObject({ kind: "broken" });
    await expect(checkKey(key, () => Promise.reject(new TypeError()))).rejects.toMatchObject({ kind: "unreachable" });
  });

  it.each([
    [401, "unknown"],
    [403, "refused"],
  ])("is refused with %i: %s", async (status, kind) => {
    expect(await checkKey(key, () => Promise.resolve(new Response(null, { status })))).toEqual({ kind });
  });

});
