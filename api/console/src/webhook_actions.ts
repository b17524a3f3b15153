import { mdiDelete, mdiKeyOutline, mdiPencil, mdiPlayOutline } from "@mdi/js";

import { texts } from "./texts";

export type WebhookAction = "test" | "secret" | "edit" | "remove";

// For the menu of a webhook.
export function webhookActions(): { value: WebhookAction; title: string; icon: string; danger?: boolean }[] {
  const words = texts.webhookActions;
  return [
    { value: "test", title: words.test, icon: mdiPlayOutline },
    { value: "secret", title: words.secret, icon: mdiKeyOutline },
    { value: "edit", title: words.edit, icon: mdiPencil },
    { value: "remove", title: words.remove, icon: mdiDelete, danger: true },
  ];
}
