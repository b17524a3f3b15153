// Where API clients reach this Mintmark: what its operator says, else the address that the console itself came from.
export function endpoint(apiUrl: string | null, origin: string = window.location.origin): string {
  return apiUrl ?? `${origin}/public/v1`;
}

// A first call, ready to paste into a terminal.
export function curlLine(key: string, url: string): string {
  return `curl -H "Authorization: ApiKey ${key}" ${url}/auth/tokens`;
}
