import { describe, expect, it, vi } from "vitest";

import { useEdited, type Versioned } from "../../../api/console/src/state/edited";
import { useLatest } from "../../../api/console/src/state/latest";

interface Fields {
  name: string;
  note: string;
}
type Answer = Versioned<Fields>;

const shown = { name: "Billing", note: "old" };
const now: Answer = { fields: { name: "Billing", note: "new" }, version: '"7"' };

// Reads that are answered when the test says so.
function server() {
  const asked: { answer: (given: Answer) => void; fail: () => void }[] = [];
  const read = () =>
    new Promise<Answer>((answer, reject) => asked.push({ answer, fail: () => reject(new Error("unreachable")) }));
  return { asked, read };
}

function begin() {
  const edited = useEdited({ ...shown });
  edited.begin(shown);
  return { ...edited, ...server() };
}

describe("what is edited", () => {
  it("is what is there now, but for what was typed meanwhile", async () => {
    const { fields, load, read, asked, versionOf } = begin();
    const loaded = load(read, false);
    fields.value.name = "Typed";
    asked[0]?.answer(now);
    await loaded;
    expect(fields.value).toEqual({ name: "Typed", note: "new" });
    expect(await versionOf(read)).toBe('"7"');
    expect(asked.length).toBe(1);
  });

  it("loses what was typed where that is asked for", async () => {
    const { fields, load, read, asked } = begin();
    fields.value.name = "Typed";
    const loaded = load(read, true);
    asked[0]?.answer(now);
    await loaded;
    expect(fields.value).toEqual(now.fields);
  });

  it("has the version that is still being read", async () => {
    const { load, read, asked, versionOf } = begin();
    void load(read, false);
    const version = versionOf(read);
    asked[0]?.answer(now);
    expect(await version).toBe('"7"');
  });

  it("is read again where that failed", async () => {
    const { load, read, asked, versionOf } = begin();
    const loaded = load(read, false);
    asked[0]?.fail();
    await expect(loaded).rejects.toThrow("unreachable");
    const version = versionOf(read);
    await vi.waitFor(() => expect(asked.length).toBe(2));
    asked[1]?.answer(now);
    expect(await version).toBe('"7"');
  });

  it("takes nothing of what was edited before", async () => {
    const { fields, begin: beginAnew, load, read, asked, versionOf } = begin();
    const first = load(read, false);
    beginAnew({ name: "Other", note: "" });
    const second = load(read, false);
    asked[1]?.answer({ fields: { name: "Other", note: "" }, version: '"2"' });
    await second;
    asked[0]?.answer(now);
    await first;
    expect(fields.value.name).toBe("Other");
    expect(await versionOf(read)).toBe('"2"');
  });

  it("fails of nothing that was edited before", async () => {
    const { begin: beginAnew, load, read, asked } = begin();
    const first = load(read, false);
    beginAnew({ name: "Other", note: "" });
    asked[0]?.fail();
    await expect(first).resolves.toBeUndefined();
  });
});

describe("the latest asking", () => {
  it("is one only", () => {
    const latest = useLatest();
    const first = latest();
    expect(first()).toBe(true);
    const second = latest();
    expect([first(), second()]).toEqual([false, true]);
  });
});
