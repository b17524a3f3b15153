import { once } from "node:events";
import { createServer } from "node:http";

// Takes calls of webhooks and of the provisioning URL on loopback, answers each path as it was told (204 unless it
// was), and keeps what came.
export class Receiver {
  static async make() {
    const receiver = new Receiver();
    receiver.calls = [];
    receiver.statuses = new Map();
    receiver.server = createServer((request, response) => void receiver.take(request, response));
    receiver.server.listen(0, "127.0.0.1");
    await once(receiver.server, "listening");
    return receiver;
  }

  // A server's that let its calls go here.
  settings() {
    return {
      MINTMARK_WEBHOOK_NETWORKS: "127.0.0.0/8",
      MINTMARK_WEBHOOK_PORTS: "0",
      MINTMARK_PROVISIONING_URL: this.url("/zapier"),
    };
  }

  url(path) {
    return `http://127.0.0.1:${this.server.address().port}${path}`;
  }

  answer(path, status) {
    this.statuses.set(path, status);
  }

  async take(request, response) {
    let body = "";
    for await (const chunk of request) body += chunk;
    this.calls.push({ path: request.url, body: JSON.parse(body || "null") });
    // Nothing is attempted again while one looks, unless it is asked for.
    response.writeHead(this.statuses.get(request.url) ?? 204, { "Retry-After": "3600" }).end();
  }

  async close() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}
