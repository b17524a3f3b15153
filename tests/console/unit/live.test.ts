import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

// What a browser has and Node.js has not: a stream of events, and a page that can be out of sight.
class FakeSource extends EventTarget {
  static readonly CLOSED = 2;
  static opened: FakeSource[] = [];
  readyState = 1;

  constructor(readonly url: string) {
    super();
    FakeSource.opened.push(this);
  }

  close(): void {
    this.readyState = FakeSource.CLOSED;
  }
}

class FakeDocument extends EventTarget {
  visibilityState = "visible";

  async become(visibility: "visible" | "hidden"): Promise<void> {
    this.visibilityState = visibility;
    this.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(0);
  }
}

interface Answer {
  status?: number;
  user?: string;
  position?: string;
}

// The console's state as a page begins with it, and the server that it asks: `answer` is what it says next of who is
// signed in, `asked` where it was asked.
async function begin() {
  const page = new FakeDocument();
  const server = { answer: { user: "UR-1", position: "10" } as Answer, asked: [] as string[], isUp: true };
  const respond = (url: string): Response => {
    server.asked.push(url);
    if (!server.isUp) throw new TypeError("Failed to fetch");
    const { status = 200, user, position = "" } = server.answer;
    const body = { user: { id: user }, account: { id: "VA-1" }, csrf_token: "proof" };
    return url === "/healthz"
      ? new Response("{}")
      : new Response(JSON.stringify(body), { status, headers: { "Mintmark-Position": position } });
  };
  const { client } = await import("../../../api/console/src/api");
  const { connection } = await import("../../../api/console/src/state/connection");
  const { live } = await import("../../../api/console/src/state/live");
  const { session } = await import("../../../api/console/src/state/session");
  vi.stubGlobal("document", page);
  vi.stubGlobal("EventSource", FakeSource);
  vi.stubGlobal("fetch", (url: string) => Promise.resolve(url).then(respond));
  client.onSignedOut(() => session.expire());
  client.onConnection(connection.reached, connection.unreachable);
  live.start();
  await session.restore();
  await vi.advanceTimersByTimeAsync(0);
  return { page, server, connection, live, session };
}

const latest = () => FakeSource.opened.at(-1) as FakeSource;
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);

beforeEach(() => {
  vi.resetModules();
  vi.useFakeTimers();
  FakeSource.opened = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the stream of events", () => {
  it("is opened anew, and the connection looked at, once nothing is heard of it", async () => {
    const { server, connection } = await begin();
    const first = latest();
    for (const heard of ["open", "heartbeat", "heartbeat"]) {
      await seconds(30);
      first.dispatchEvent(new Event(heard));
    }
    await seconds(39);
    expect(FakeSource.opened).toEqual([first]);
    expect(server.asked).not.toContain("/healthz");
    server.isUp = false;
    await seconds(2);
    expect([first.readyState, FakeSource.opened.length]).toEqual([FakeSource.CLOSED, 2]);
    expect(connection.state.lost).toBe(true);
    const dead = latest();
    server.isUp = true;
    await seconds(2);
    expect(connection.state.lost).toBe(false);
    expect(dead.readyState).toBe(FakeSource.CLOSED);
    expect(latest().readyState).toBe(1);
  });

  it("begins, on a page that comes into view, with what is there then, which is loaded", async () => {
    const { page, server, live } = await begin();
    expect(latest().url).toMatch(/after=10$/);
    const heard = vi.fn();
    live.listen(heard);
    await page.become("hidden");
    expect(latest().readyState).toBe(FakeSource.CLOSED);
    server.answer.position = "9000";
    await page.become("visible");
    expect(latest().url).toMatch(/after=9000$/);
    expect(heard.mock.calls).toEqual([[null]]);
  });
});

describe("a session that ended here", () => {
  const ended = async () => {
    const begun = await begin();
    begun.server.answer = { status: 401 };
    await begun.page.become("visible");
    expect(begun.session.state.status).toBe("ended");
    await begun.page.become("visible");
    expect(begun.session.state.status).toBe("ended");
    return begun;
  };

  it("goes on where the same person has signed in on another page", async () => {
    const { page, server, session } = await ended();
    server.answer = { user: "UR-1", position: "20" };
    await page.become("visible");
    expect([session.state.status, session.state.resumed]).toEqual(["signed-in", 1]);
    expect(latest().url).toMatch(/after=20$/);
  });

  it("is left where somebody else has", async () => {
    const { page, server, session, live } = await ended();
    const heard = vi.fn();
    live.listen(heard);
    server.answer = { user: "UR-2", position: "20" };
    await page.become("visible");
    expect([session.state.status, session.state.resumed]).toEqual(["signed-out", 0]);
    expect(heard).not.toHaveBeenCalled();
  });
});
