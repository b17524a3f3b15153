// Where API clients reach this Mintmark: the address that the console itself came from.
export function endpoint(origin: string = window.location.origin): string {
  return `${origin}/public/v1`;
}

// A first call, ready to paste into a terminal.
export function curlLine(key: string, origin: string = window.location.origin): string {
  return `curl -H "Authorization: ApiKey ${key}" ${endpoint(origin)}/auth/tokens`;
}
