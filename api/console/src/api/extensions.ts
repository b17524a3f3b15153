import type { Client } from "./client";

// A type of token: custom, zapier, or one of the account's own.
export interface Extension {
  id: string;
  name: string;
}

// The two that every account has.
export const CUSTOM = "EXT-000";
export const BUILT_IN: readonly Extension[] = [
  { id: CUSTOM, name: "custom" },
  { id: "EXT-001", name: "zapier" },
];

export class ExtensionsApi {
  constructor(private readonly client: Client) {}

  async list(): Promise<Extension[]> {
    return (await this.client.call<Extension[]>("/extensions?limit=1000")).body;
  }
}
