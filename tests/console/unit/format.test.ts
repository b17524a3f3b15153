import { describe, expect, it } from "vitest";

import { checkKey, decodeName, readPastedKey } from "../../../api/console/src/api/key_check";
import { curlLine, endpoint } from "../../../api/console/src/endpoint";
import { endOfDay, formatDateTime, formatDay, formatExactTime, textOrNull, today } from "../../../api/console/src/format";

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

  it("knows today here", () => {
    expect(today(new Date(2026, 0, 5, 23, 59))).toBe("2026-01-05");
  });
});

describe("texts", () => {
  it("takes blank for nothing", () => {
    expect([textOrNull("  "), textOrNull(null), textOrNull(" a ")]).toEqual([null, null, "a"]);
  });

  it("names the endpoint of the server that the console came from", () => {
    expect(endpoint("https://mint.example")).toBe("https://mint.example/public/v1");
    expect(curlLine("SU-…:…", "http://[::1]:8080")).toBe(
      'curl -H "Authorization: ApiKey SU-…:…" http://[::1]:8080/public/v1/auth/tokens',
    );
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

  it("is asked about without the session, and answered from the headers", async () => {
    const headers = {
      "X-Mintmark-Token": "SU-160-984-824",
      "X-Mintmark-Account": "VA-000-001",
      "X-Mintmark-Name": "Gr%C3%BCn 100%25",
      "X-Mintmark-Type": "custom",
    };
    let sent: RequestInit | undefined;
    const verdict = await checkKey(key, (url, init) => {
      expect(url).toBe("/authorize");
      sent = init;
      return Promise.resolve(new Response(null, { status: 204, headers }));
    });
    expect(sent).toMatchObject({ headers: { Authorization: `ApiKey ${key}` }, credentials: "omit" });
    expect(verdict).toEqual({
      kind: "allowed",
      token: "SU-160-984-824",
      account: "VA-000-001",
      name: "Grün 100%",
      type: "custom",
    });
  });

  it.each([
    [401, "unknown"],
    [403, "refused"],
  ])("is refused with %i: %s", async (status, kind) => {
    expect(await checkKey(key, () => Promise.resolve(new Response(null, { status })))).toEqual({ kind });
  });

  it("has a name even where that is not well encoded", () => {
    expect(decodeName("100%")).toBe("100%");
  });
});
