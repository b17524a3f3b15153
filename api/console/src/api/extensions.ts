import type { Client } from "./client";

// A type of token: custom, zapier, or one of the account's own.
export interface Extension {
  id: string;
  name: string;
}

export class ExtensionsApi {
  constructor(private readonly client: Client) {}

  async list(): Promise<Extension[]> {
    return (await this.client.call<Extension[]>("/extensions?limit=1000")).body;
  }
}
