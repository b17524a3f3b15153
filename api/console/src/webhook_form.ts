import type { Webhook, WebhookFields } from "./api/webhooks";
import { countCharacters, textOrNull } from "./format";
import { texts } from "./texts";

// In characters, as the server counts them.
export const WEBHOOK_LIMITS = { label: 100, description: 4096, url: 4096 } as const;

export const WEBHOOK_FORM_FIELDS = [
  "label",
  "object_class",
  "external_url",
  "http_method",
  "description",
  "headers",
  "data",
] as const;

export interface WebhookForm {
  label: string;
  objectClass: string;
  url: string;
  method: string;
  description: string;
  active: boolean;
  headers: string; // a line each, "Name: value"
  data: string; // a JSON object, or empty
}

export function emptyWebhookForm(): WebhookForm {
  return {
    label: "",
    objectClass: "token",
    url: "",
    method: "POST",
    description: "",
    active: true,
    headers: "",
    data: "",
  };
}

export function webhookFormOf(webhook: Webhook): WebhookForm {
  return {
    label: webhook.label,
    objectClass: webhook.object_class,
    url: webhook.external_url,
    method: webhook.http_method,
    description: webhook.description ?? "",
    active: webhook.active,
    headers: Object.entries(webhook.headers)
      .map(([name, value]) => `${name}: ${value ?? ""}`)
      .join("\n"),
    data: Object.keys(webhook.data).length === 0 ? "" : JSON.stringify(webhook.data, null, 2),
  };
}

// "Name: value" lines as an object; null where a line is none.
export function readHeaders(text: string): Record<string, string> | null {
  const headers: Record<string, string> = {};
  for (const line of text.split("\n").filter((each) => each.trim() !== "")) {
    const colon = line.indexOf(":");
    if (colon < 1) return null;
    headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  }
  return headers;
}

// A JSON object; nothing is an empty one, and null what is none.
export function readData(text: string): Record<string, unknown> | null {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

// What is wrong before the server is asked, by the API's own field names.
export function checkWebhookForm(form: WebhookForm): Record<string, string> {
  const errors: Record<string, string> = {};
  const words = texts.webhookForm;
  if (countCharacters(form.label.trim()) > WEBHOOK_LIMITS.label) errors.label = texts.tokenForm.tooLong(WEBHOOK_LIMITS.label);
  if (form.label.trim() === "") errors.label = words.labelMissing;
  if (!/^https?:\/\/[^\s/]/i.test(form.url.trim())) errors.external_url = words.urlMissing;
  if (readHeaders(form.headers) === null) errors.headers = words.headersWrong;
  if (readData(form.data) === null) errors.data = words.dataWrong;
  return errors;
}

export function webhookFieldsOf(form: WebhookForm): WebhookFields {
  return {
    label: form.label.trim(),
    object_class: form.objectClass,
    external_url: form.url.trim(),
    http_method: form.method,
    description: textOrNull(form.description),
    active: form.active,
    headers: readHeaders(form.headers) ?? {},
    data: readData(form.data) ?? {},
  };
}
