import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type EffectScope, effectScope, nextTick, type Ref, ref } from "vue";

import { useKeptFocus } from "../../../api/console/src/state/keep_focus";

// Stands for an element, as far as the focus goes.
const heading = () => ({ focus: vi.fn() });
const body = {};
const page = heading();
const place = { activeElement: {} as object, body, querySelector: () => page };

let scope: EffectScope;

// Around the focus, in a dialog or in none.
function rootIn(dialog: object | null): Ref<HTMLElement | null> {
  const root = { contains: () => true, closest: (selector: string) => (selector.includes("dialog") ? dialog : null) };
  return ref(root) as unknown as Ref<HTMLElement | null>;
}

async function change(root: Ref<HTMLElement | null>, focused: object): Promise<void> {
  const failure = ref<unknown>("a failure");
  scope.run(() => useKeptFocus(root, () => failure.value));
  place.activeElement = focused;
  failure.value = null;
  await nextTick();
  await nextTick();
}

beforeEach(() => {
  vi.clearAllMocks();
  vi.spyOn(console, "warn").mockImplementation(() => {}); // there is no component that could be unmounted
  vi.stubGlobal("document", place);
  place.activeElement = {};
  scope = effectScope();
});
afterEach(() => {
  scope.stop();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("the focus of a button that goes away", () => {
  it("goes to the page's heading", async () => {
    await change(rootIn(null), body);
    expect(page.focus).toHaveBeenCalledOnce();
  });

  it("goes to the heading of the dialog that it was in", async () => {
    const title = heading();
    await change(rootIn({ querySelector: () => title }), body);
    expect(title.focus).toHaveBeenCalledOnce();
    expect(page.focus).not.toHaveBeenCalled();
  });

  it("stays where it is, if it is not lost", async () => {
    await change(rootIn(null), {});
    expect(page.focus).not.toHaveBeenCalled();
  });
});
