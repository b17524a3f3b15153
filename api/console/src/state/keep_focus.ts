import { nextTick, onBeforeUnmount, type Ref, watch } from "vue";

function isLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

// Whoever stands on a button that goes away stays near it: where the focus is within `root` and lost once `changes`
// has changed, or `root` is gone, the nearest place around it that is marked data-focus-home gets it, else the
// page's heading.
export function useKeptFocus(root: Readonly<Ref<HTMLElement | null>>, changes: () => unknown): void {
  function keep(): void {
    if (!root.value?.contains(document.activeElement)) return;
    const places: HTMLElement[] = [];
    let place = root.value.closest<HTMLElement>("[data-focus-home]");
    while (place) {
      places.push(place);
      place = place.parentElement?.closest<HTMLElement>("[data-focus-home]") ?? null;
    }
    void nextTick(() => {
      if (!isLost()) return;
      (places.find((each) => each.isConnected) ?? document.querySelector<HTMLElement>("h1"))?.focus();
    });
  }
  watch(changes, keep);
  onBeforeUnmount(keep);
}
