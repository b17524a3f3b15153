import { describe, expect, it } from "vitest";

import type { Work } from "../../../api/console/src/api/deliveries";
import type { Happening } from "../../../api/console/src/api/events";
import { detailOf, linkOf, nameOf, sentenceOf, whoOf } from "../../../api/console/src/happenings";
import { millisecondsToOutcome } from "../../../api/console/src/state/outcomes";
import { texts } from "../../../api/console/src/texts";

const event: Happening = {
  position: 7,
  id: "0190",
  type: "TokenCreated",
  at: "2026-11-23T15:04:05.123456+00:00",
  object: { kind: "token", id: "SU-1", name: "Billing" },
  actor: { kind: "user", id: "UR-1", name: "Ada", email: "ada@example.com" },
  client_ip: "127.0.0.1",
  request_id: "r",
  data: {},
};

describe("what happened", () => {
  it("is said in words, also where it is of a kind that came later", () => {
    expect(sentenceOf(event)).toBe(texts.happened.TokenCreated);
    expect(sentenceOf({ type: "TokenMeltedDown" })).toBe("Token melted down");
  });

  it("has the name of the thing, or its id once the name is gone", () => {
    expect(nameOf(event)).toBe("Billing");
    expect(nameOf({ object: { ...event.object, name: null } })).toBe("SU-1");
    expect(nameOf({ object: { kind: "session", id: "abc", name: null } })).toBe("");
    expect(linkOf(event)).toEqual({ name: "token", params: { id: "SU-1" } });
    expect(linkOf({ object: { kind: "jobs", id: null, name: null } })).toBeNull();
  });

  it("has who did it as people know them", () => {
    const who = (actor: Partial<Happening["actor"]>) => whoOf({ actor: { ...event.actor, ...actor } });
    expect(who({})).toBe("ada@example.com");
    expect(who({ email: null, name: null })).toBe("UR-1");
    expect(who({ kind: "token", id: "SU-2", name: "Importer", email: null })).toBe("Importer");
    expect(who({ kind: "worker", id: "zapier" })).toBe(texts.activity.worker);
    expect(who({ kind: "operator", id: "root", name: "root" })).toBe(texts.activity.operator("root"));
  });

  it("tells what of it changed", () => {
    expect(detailOf({ type: "TokenUpdated", data: { name: "a", external_id: "b", unknown: 1 } })).toBe(
      texts.activity.changed("label, external ID"),
    );
    expect(detailOf({ type: "PermissionsGranted", data: { modules: [7, 12] } })).toBe(
      texts.activity.modules("MD-0007, MD-0012"),
    );
    expect(detailOf({ type: "JobsRetried", data: { jobs: [{}, {}] } })).toBe(texts.activity.jobs(2));
    expect(detailOf(event)).toBe("");
  });
});

describe("what comes of deliveries", () => {
  const now = Date.parse("2026-11-23T15:00:00Z");
  const work = (status: Work["status"], next: string | null = null) => ({ status, next_attempt_at: next }) as Work;

  it("is looked for when it may be there", () => {
    expect(millisecondsToOutcome([work("done"), work("running")], now)).toBe(1000);
    expect(millisecondsToOutcome([work("waiting", "2026-11-23T14:59:00Z")], now)).toBe(1000);
    expect(millisecondsToOutcome([work("waiting", "2026-11-23T15:00:05Z")], now)).toBe(6000);
    expect(millisecondsToOutcome([work("waiting", "2026-12-23T15:00:05Z")], now)).toBe(3_600_000);
  });

  it("is not looked for where nothing changes by itself", () => {
    expect(millisecondsToOutcome([work("done"), work("dead"), work("parked"), work("cancelled")], now)).toBeNull();
  });
});
