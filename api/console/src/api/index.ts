import { Client } from "./client";
import { SessionApi } from "./session";
import { TokensApi } from "./tokens";

export const client = new Client();
export const sessionApi = new SessionApi(client);
export const tokensApi = new TokensApi(client);
