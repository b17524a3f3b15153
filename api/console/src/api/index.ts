import { Client } from "./client";
import { ModulesApi } from "./modules";
import { SessionApi } from "./session";
import { TokensApi } from "./tokens";
import { WebhooksApi } from "./webhooks";

export const client = new Client();
export const sessionApi = new SessionApi(client);
export const tokensApi = new TokensApi(client);
export const modulesApi = new ModulesApi(client);
export const webhooksApi = new WebhooksApi(client);
