import { CUSTOM } from "./api/extensions";
import type { NewExpiry, NewToken, Token, TokenFields } from "./api/tokens";
import { countCharacters, endOfDay, textOrNull, today } from "./format";
import { texts } from "./texts";

// In characters, as the server counts them.
export const LIMITS = { name: 128, description: 255, externalId: 128 } as const;

export const FORM_FIELDS = ["name", "extension", "description", "external_id", "expiration_date"] as const;

export interface TokenForm {
  name: string;
  extension: string; // its type's id
  description: string;
  externalId: string;
  expires: string; // a day as a date field has it, or empty; what is neither is refused
}

export function emptyForm(): TokenForm {
  return { name: "", extension: CUSTOM, description: "", externalId: "", expires: "" };
}

export function formOf(token: Token): TokenForm {
  return {
    ...emptyForm(),
    name: token.name,
    description: token.description ?? "",
    externalId: token.external_id ?? "",
  };
}

// What is wrong with the day at whose end something is to expire; nothing where there is none.
export function expiryError(expires: string, now: Date = new Date()): Record<string, string> {
  if (expires === "") return {};
  if (endOfDay(expires) === null) return { expiration_date: texts.tokenForm.expiresUnfinished };
  return expires < today(now) ? { expiration_date: texts.tokenForm.expiresPast } : {};
}

// When a token's new value ends. Without a day: as long as the old value was given. Of a renewed token that is the
// newer value, whose end is not the one that the old value got when it was renewed.
export function newExpiryOf(expires: string, token: Token): NewExpiry {
  if (expires !== "") return { expiration_date: endOfDay(expires) };
  return token.status === "revitalised" ? { expiration_date: token.renewed_expiration_date } : {};
}

// What is wrong before the server is asked, by the API's own field names.
export function checkForm(form: TokenForm, now: Date = new Date()): Record<string, string> {
  const errors = expiryError(form.expires, now);
  const words = texts.tokenForm;
  const checkLength = (field: string, text: string, limit: number) => {
    if (countCharacters(text.trim()) > limit) errors[field] = words.tooLong(limit);
  };
  checkLength("name", form.name, LIMITS.name);
  checkLength("description", form.description, LIMITS.description);
  checkLength("external_id", form.externalId, LIMITS.externalId);
  if (form.name.trim() === "") errors.name = words.labelMissing;
  return errors;
}

export function fieldsOf(form: TokenForm): TokenFields {
  return {
    name: form.name.trim(),
    description: textOrNull(form.description),
    external_id: textOrNull(form.externalId),
  };
}

export function newTokenOf(form: TokenForm): NewToken {
  return { ...fieldsOf(form), extension: { id: form.extension }, expiration_date: endOfDay(form.expires) };
}
