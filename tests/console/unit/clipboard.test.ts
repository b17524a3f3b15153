import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { copyText } from "../../../api/console/src/clipboard";

// Takes what is written within a gesture alone, as Safari does; what it holds may be yet to come.
let inGesture = false;
let held: string | null = null;
const allow = () => {
  if (!inGesture) throw new DOMException("", "NotAllowedError");
};
const writeText = vi.fn(async (text: string) => {
  allow();
  held = text;
});
const write = vi.fn(async ([item]: { parts: Record<string, Promise<Blob>> }[]) => {
  allow();
  held = (await (await item?.parts["text/plain"])?.text()) ?? null;
});

class Item {
  constructor(readonly parts: Record<string, Promise<Blob>>) {}
}

beforeEach(() => {
  vi.clearAllMocks();
  held = null;
  vi.stubGlobal("navigator", { clipboard: { write, writeText } });
  vi.stubGlobal("ClipboardItem", Item);
});
afterEach(() => vi.unstubAllGlobals());

function within(gesture: () => Promise<boolean>): Promise<boolean> {
  inGesture = true;
  const begun = gesture();
  inGesture = false;
  return begun;
}

it("begins within the gesture, though the text comes after it", async () => {
  const later = new Promise<string>((resolve) => setTimeout(() => resolve("SU-1:secret")));
  expect(await within(() => copyText(later))).toBe(true);
  expect(held).toBe("SU-1:secret");
  expect(writeText).not.toHaveBeenCalled();
});

it("writes plain text where the browser knows no items", async () => {
  vi.stubGlobal("ClipboardItem", undefined);
  inGesture = true;
  expect(await copyText("SU-1:secret")).toBe(true);
  expect(held).toBe("SU-1:secret");
});

it("throws what keeps the text from coming, and writes nothing then", async () => {
  await expect(within(() => copyText(Promise.reject(new Error("gone"))))).rejects.toThrow("gone");
  expect(held).toBe(null);
  expect(writeText).not.toHaveBeenCalled();
});
