import { nextTick, onBeforeUnmount, type Ref, watch } from "vue";

function isLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

// Whoever stands on a button that goes away stays near it: where the focus is within `root` and lost once `changes`
// has changed, or `root` is gone, the nearest place around it that is marked data-focus-home gets it, else the
// heading of the dialog that it is in, else the page's.
export function useKeptFocus(root: Readonly<Ref<HTMLElement | null>>, changes: () => unknown = () => null): void {
  function keep(): void {
    if (!root.value?.contains(document.activeElement)) return;
    const places: HTMLElement[] = [];
    let place = root.value.closest<HTMLElement>("[data-focus-home]");
    while (place) {
      places.push(place);
      place = place.parentElement?.closest<HTMLElement>("[data-focus-home]") ?? null;
    }
    const dialog = root.value.closest("[role=dialog], [role=alertdialog]");
    void nextTick(() => {
      if (!isLost()) return;
      const heading = () => dialog?.querySelector<HTMLElement>("h2") ?? document.querySelector<HTMLElement>("h1");
      (places.find((each) => each.isConnected) ?? heading())?.focus();
    });
  }
  watch(changes, keep);
  onBeforeUnmount(keep);
}
