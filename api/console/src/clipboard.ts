// Puts text into the clipboard; false where the browser does not let us.
export async function copyText(text: string): Promise<boolean> {
  // Browsers offer this over https and on localhost only.
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyBySelection(text);
    }
  }
  return copyBySelection(text);
}

// The older way, which also works over plain http. The field stands inside the open dialog, where there is
// one, because the dialog keeps the focus.
function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  const home = focused?.closest("[aria-modal=true]") ?? document.body;
  const field = document.createElement("textarea");
  field.className = "off-screen";
  field.setAttribute("aria-hidden", "true");
  field.readOnly = true;
  field.value = text;
  home.append(field);
  field.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
}
