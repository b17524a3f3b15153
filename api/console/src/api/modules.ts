import type { Client } from "./client";

// What permissions are granted on.
export interface Module {
  id: string;
  name: string;
}

export class ModulesApi {
  constructor(private readonly client: Client) {}

  async list(): Promise<Module[]> {
    return (await this.client.call<Module[]>("/modules?limit=1000")).body;
  }
}
