// Puts text into the clipboard, also text that is yet to come; false where the browser does not let us. Throws what
// keeps the text from coming.
export async function copyText(text: string | Promise<string>): Promise<boolean> {
  const coming = Promise.resolve(text);
  // Browsers offer this over https and on localhost only.
  for (const write of navigator.clipboard ? [writeComing, writeKnown] : []) {
    try {
      await write(coming);
      return true;
    } catch {
      await coming;
    }
  }
  return copyBySelection(await coming);
}

// Begun at once, since Safari refuses what begins after the click that asked for it.
async function writeComing(text: Promise<string>): Promise<void> {
  const blob = text.then((known) => new Blob([known], { type: "text/plain" }));
  await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
}

async function writeKnown(text: Promise<string>): Promise<void> {
  await navigator.clipboard.writeText(await text);
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
