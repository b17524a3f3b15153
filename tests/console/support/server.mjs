import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const program = process.env.PROGRAM_UNDER_TEST;
const run = promisify(execFile);
const STARTING_MS_MAX = 20_000;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function mintmark(...words) {
  const { stdout } = await run(program, [...words, "--json"]);
  return JSON.parse(stdout);
}

// The real program with a data folder of its own, an owner and an auditor; `settings` are variables that it reads.
export class Server {
  static async make(settings = {}) {
    if (!program) throw new Error("PROGRAM_UNDER_TEST names no program");
    const server = new Server();
    server.settings = settings;
    server.folder = await mkdtemp(join(tmpdir(), "mintmark-console-"));
    server.data = join(server.folder, "data");
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.owner = await server.init();
    server.auditor = await server.addUser("auditor@example.com", "auditor");
    await server.start();
    return server;
  }

  init() {
    return mintmark("init", "--data", this.data, "--account-name", "Northwind Traders", "--email", "ada@example.com");
  }

  addUser(email, role) {
    const where = ["--data", this.data, "--account", this.owner.account];
    return mintmark("user", "add", ...where, "--email", email, "--role", role);
  }

  // While it runs, for tests that change what the owner's other tests rely on.
  async inviteMember(email) {
    const rest = await this.rest();
    const user = await rest("POST", `/accounts/${this.owner.account}/users`, { email, role: "member" });
    return { email, password: user.password };
  }

  async start() {
    const words = ["serve", "--data", this.data, "--listen", `127.0.0.1:${this.port}`];
    const env = { ...process.env, MINTMARK_REQUEST_RATE: "0", MINTMARK_SLOW_GUESSING: "false", ...this.settings };
    this.process = spawn(program, words, { env, stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    this.process.stderr.on("data", (chunk) => (log += chunk));
    const deadline = Date.now() + STARTING_MS_MAX;
    while (!(await this.isUp())) {
      if (this.process.exitCode !== null || Date.now() > deadline) throw new Error(`it did not start:\n${log}`);
      await pause(30);
    }
  }

  async isUp() {
    try {
      return (await fetch(`${this.url}/healthz`)).ok;
    } catch {
      return false;
    }
  }

  async stop() {
    if (this.process.exitCode !== null) return;
    this.process.kill("SIGTERM");
    await once(this.process, "exit");
  }

  async remove() {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  // The events of a type that the log holds, as `mintmark replay` tells them.
  async events(type) {
    const { stdout } = await run(program, ["replay", "--data", this.data, "--json"], { maxBuffer: 1 << 26 });
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line))
      .filter((event) => event.type === type);
  }

  // A fresh session over REST: the cookie as browsers keep it, and what proves its writes.
  async signIn({ email, password }) {
    const login = await fetch(`${this.url}/public/v1/auth/login`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email, password }),
    });
    if (!login.ok) throw new Error(`sign-in: ${login.status}`);
    const [name, value] = login.headers.get("set-cookie").split(";")[0].split("=");
    const cookie = { name, value, url: this.url, httpOnly: true, sameSite: "Strict" };
    return { cookie, csrfToken: (await login.json()).csrf_token };
  }

  // A client of the REST API, signed in as the owner unless as somebody else, to set a scene.
  async rest(user = this.owner) {
    const { cookie, csrfToken } = await this.signIn(user);
    const headers = {
      "Content-Type": "application/json",
      Cookie: `${cookie.name}=${cookie.value}`,
      "X-CSRF-Token": csrfToken,
    };
    return async (method, path, body) => {
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
      const response = await fetch(`${this.url}/public/v1${path}`, init);
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
      const text = await response.text();
      return text === "" ? null : JSON.parse(text);
    };
  }
}
