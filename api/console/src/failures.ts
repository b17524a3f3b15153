import { Failure, type FailureKind } from "./api/errors";
import { formatWait } from "./format";
import { texts } from "./texts";

const messages: Record<FailureKind, string> = {
  unreachable: texts.failures.unreachable,
  "signed-out": texts.failures.signedOut,
  invalid: texts.failures.invalid,
  forbidden: texts.failures.forbidden,
  "not-found": texts.failures.notFound,
  conflict: texts.failures.conflict,
  changed: texts.failures.changed,
  throttled: texts.failures.throttled,
  busy: texts.failures.busy,
  full: texts.failures.full,
  "unknown-outcome": texts.failures.unknownOutcome,
  broken: texts.failures.broken,
};

export interface FormErrors {
  // In words a person can act on; empty where the fields say it all.
  message: string;
  fields: Record<string, string>;
}

export const noErrors: Readonly<FormErrors> = { message: "", fields: {} };


// Whether the server's own words say what is wrong.
function isTold(error: Failure): boolean {
  if (error.kind === "conflict") return error.message !== "" || Object.keys(error.fields).length > 0;
  return error.kind === "invalid";
}

// A failure in a sentence, for where no field is there to be marked.
export function describe(error: unknown): string {
  if (!(error instanceof Failure)) return texts.failures.broken;
  if (error.kind === "throttled" && error.retryAfterSeconds !== null) {
    return texts.failures.throttledFor(formatWait(error.retryAfterSeconds));
  }
  const told = isTold(error) ? [error.message, ...Object.values(error.fields)].filter(Boolean).join(" ") : "";
  return told || messages[error.kind];
}

// What a form shows: messages at the fields that it has, everything else above its buttons.
export function formErrors(error: unknown, fields: readonly string[]): FormErrors {
  if (!(error instanceof Failure) || !isTold(error)) return { message: describe(error), fields: {} };
  const shown: Record<string, string> = {};
  const rest: string[] = error.message ? [error.message] : [];
  for (const [field, message] of Object.entries(error.fields)) {
    const home = fields.find((name) => field === name || field.startsWith(`${name}.`));
    if (home) shown[home] = message;
    else rest.push(message);
  }
  const anywhere = rest.length > 0 || Object.keys(shown).length > 0;
  return { message: anywhere ? rest.join(" ") : texts.failures.invalid, fields: shown };
}
