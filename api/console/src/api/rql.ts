// Texts as values of RQL, the API's query language, in the address of a list.

// A text as a value that stands for itself. A quoted value has no escapes: a text that holds both kinds of
// quotes has its double ones replaced by stars, which match anything.
export function rqlText(text: string): string {
  const literal = text.replaceAll("*", "\\*");
  if (!literal.includes('"')) return encodeURIComponent(`"${literal}"`);
  if (!literal.includes("'")) return encodeURIComponent(`'${literal}'`);
  const loose = literal.replace(/"+/g, "*").replace(/^\*|\*$/g, "");
  return encodeURIComponent(`"${loose}"`);
}

// The terms that say something, one query.
export function rqlQuery(terms: readonly (string | false | undefined)[]): string {
  return terms.filter(Boolean).join("&");
}
