import { Client } from "./client";
import { DeliveriesApi } from "./deliveries";
import { EventsApi } from "./events";
import { ModulesApi } from "./modules";
import { SessionApi } from "./session";
import { TokensApi } from "./tokens";
import { UsersApi } from "./users";
import { WebhooksApi } from "./webhooks";

export const client = new Client();
export const sessionApi = new SessionApi(client);
export const tokensApi = new TokensApi(client);
export const modulesApi = new ModulesApi(client);
export const webhooksApi = new WebhooksApi(client);
export const deliveriesApi = new DeliveriesApi(client);
export const eventsApi = new EventsApi(client);
export const usersApi = new UsersApi(client);
