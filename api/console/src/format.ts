// Dates as people read them, in the browser's own language and time zone.

const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const seconds = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const number = new Intl.NumberFormat();

function formatWith(format: Intl.DateTimeFormat, iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : format.format(date);
}

export const formatDateTime = (iso: string): string => formatWith(short, iso);
export const formatSeconds = (iso: string): string => formatWith(seconds, iso);
// To the second, with the zone.
export const formatZoned = (iso: string): string => formatWith(zoned, iso);
export const formatDay = (iso: string): string => formatWith(day, iso);

// With seconds and zone, and the same moment in UTC as the log has it.
export function formatExactTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return `${exact.format(date)} (${date.toISOString().replace("T", " ").slice(0, 19)} UTC)`;
}

export function formatNumber(value: number): string {
  return number.format(value);
}

// "45 seconds", "2 minutes": how long to wait.
export function formatWait(seconds: number): string {
  const inUnit = (value: number, unit: string) =>
    new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "long" }).format(value);
  if (seconds < 90) return inUnit(Math.max(seconds, 1), "second");
  return seconds < 5400 ? inUnit(Math.ceil(seconds / 60), "minute") : inUnit(Math.ceil(seconds / 3600), "hour");
}

// "2030-01-31", as a date field has it, at a time of that day here, in ISO 8601.
function momentOf(day: string, hours: number, minutes: number, seconds: number): string | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!match) return null;
  const [year, month, ofMonth] = match.slice(1).map(Number) as [number, number, number];
  const date = new Date(year, month - 1, ofMonth, hours, minutes, seconds);
  // There is no 30th of February: that would be a day in March.
  if (date.getFullYear() !== year || date.getMonth() !== month - 1 || date.getDate() !== ofMonth) return null;
  return date.toISOString().replace(/\.\d+Z$/, "+00:00");
}

// Of those that a date field is to have: a year has four digits.
export const LAST_DAY = "9999-12-31";

export const startOfDay = (day: string): string | null => momentOf(day, 0, 0, 0);

// The last second of it.
export const endOfDay = (day: string): string | null => momentOf(day, 23, 59, 59);

// The last microsecond of it, since the log has moments in those.
export const lastOfDay = (day: string): string | null => endOfDay(day)?.replace("+", ".999999+") ?? null;

// Today as a date field has it.
export function today(now: Date = new Date()): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

// A text field's content as the API takes it: nothing is null.
export function textOrNull(text: string | null): string | null {
  const trimmed = (text ?? "").trim();
  return trimmed === "" ? null : trimmed;
}

// Unicode code points, as the server counts.
export function countCharacters(text: string): number {
  return Array.from(text).length;
}

// JSON with a line for each of its members; another text as it is.
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
