// What of a text may be searched for, and so stand in the address and in requests' addresses: of an API key, which
// may stand inside other text such as a pasted command, its token's id; of what holds a handle, nothing.
export function searchable(text: string): { text: string; secret: "key" | "handle" | null } {
  const [id] = /SU-\d{3}-\d{3}-\d{3}(?=\s*(?::|%3a))/i.exec(text) ?? [];
  if (id !== undefined) return { text: id.toUpperCase(), secret: "key" };
  if (/[0-9a-f]{40}/i.test(text)) return { text: "", secret: "handle" };
  return { text: text.trim(), secret: null };
}
