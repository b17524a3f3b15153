// What can go wrong between the console and the server, in the shapes that pages tell apart.

export type FailureKind =
  | "unreachable" // no answer: the connection is lost
  | "signed-out" // 401: no session, or one that has ended
  | "invalid" // 400, with messages for fields
  | "forbidden"
  | "not-found"
  | "conflict"
  | "changed" // 412: it is no longer as it was when it was read
  | "throttled" // 429: too much was asked; later it works
  | "busy" // 503: later it may work
  | "full" // 507: of disk space
  | "unknown-outcome" // the write may have happened; the same idempotency key finds out
  | "broken"; // anything else

export class Failure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
    // By field, as the API names it.
    readonly fields: Readonly<Record<string, string>> = {},
    // How long to wait before it is tried again, where the server says so.
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(message);
    this.name = "Failure";
  }
}

interface ErrorBody {
  error_code?: unknown;
  errors?: unknown;
}

const FIELD_MESSAGE = /^([a-z_]+(?:\.[a-z_]+)*): (.+)$/s;

// "field: message" lines by field; lines that name none are joined into the message.
export function splitMessages(lines: readonly string[]): { message: string; fields: Record<string, string> } {
  const fields: Record<string, string> = {};
  const rest: string[] = [];
  for (const line of lines) {
    const [, field, message] = FIELD_MESSAGE.exec(line) ?? [];
    if (field === undefined || message === undefined) rest.push(line);
    else fields[field] = fields[field] === undefined ? message : `${fields[field]} ${message}`;
  }
  return { message: rest.join(" "), fields };
}

function kindOf(status: number, code: string): FailureKind {
  if (code === "SRV_002") return "unknown-outcome";
  if (status === 502 || status === 504) return "unreachable";
  if (status === 400) return "invalid";
  if (status === 401) return "signed-out";
  if (status === 403) return "forbidden";
  if (status === 404) return "not-found";
  if (status === 409) return "conflict";
  if (status === 412) return "changed";
  if (status === 429) return "throttled";
  if (status === 503) return "busy";
  if (status === 507) return "full";
  return "broken";
}

// Retry-After in seconds; null where it is absent or a date.
function retryAfterOf(headers: Headers | undefined): number | null {
  const value = headers?.get("Retry-After") ?? "";
  return /^\d{1,9}$/.test(value) ? Number(value) : null;
}

// The failure that an answer tells of, whatever its body is.
export function failureOf(status: number, body: unknown, headers?: Headers): Failure {
  const { error_code: code, errors } = (typeof body === "object" && body !== null ? body : {}) as ErrorBody;
  const lines = Array.isArray(errors) ? errors.filter((line) => typeof line === "string") : [];
  const { message, fields } = splitMessages(lines);
  const kind = kindOf(status, typeof code === "string" ? code : "");
  return new Failure(kind, message, fields, retryAfterOf(headers));
}
