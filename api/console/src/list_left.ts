// The list at an address, "/tokens", as it was left with its search, filters and page, where one came from it: `before`
// is what the history has ahead of the page that one is on. Else the plain list.
export function listLeft(list: string, before: unknown): string {
  return typeof before === "string" && before.split(/[?#]/, 1)[0] === list ? before : list;
}
