import { watch } from "vue";

import { type Happening, STREAM_PATH } from "../api/events";
import { Failure } from "../api/errors";
import { connection } from "./connection";
import { session } from "./session";

// What happens in the account, told by the server as it happens: one stream for all that a page shows, open while
// somebody is signed in and the page can be seen (of a plain connection to one server, a browser keeps but six).
// Behind a gap it goes on where it stopped. Where nothing is heard of it, not even that it lives, the connection is
// looked at and the stream opened anew. Where the server refuses a stream, listeners are told every few seconds that
// something may have happened.
export type Listener = (change: Happening | null) => void;

const REFUSED_MS = 10_000;
// The server says every 15 seconds that it is there.
const SILENCE_MS_MAX = 40_000;
const listeners = new Set<Listener>();
let source: EventSource | null = null;
let after: string | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let silence: ReturnType<typeof setTimeout> | undefined;

function close(): void {
  clearTimeout(timer);
  clearTimeout(silence);
  source?.close();
  source = null;
}

function open(): void {
  close();
  if (session.state.status !== "signed-in" || document.visibilityState === "hidden") return;
  source = new EventSource(after === null ? STREAM_PATH : `${STREAM_PATH}?after=${encodeURIComponent(after)}`);
  source.addEventListener("open", () => {
    listenOn();
    connection.reached();
  });
  source.addEventListener("change", hear);
  source.addEventListener("heartbeat", listenOn);
  source.addEventListener("error", () => void recover());
  listenOn();
}

// Something was heard: the next is waited for.
function listenOn(): void {
  clearTimeout(silence);
  silence = setTimeout(() => {
    void connection.check();
    open();
  }, SILENCE_MS_MAX);
}

function tell(change: Happening | null): void {
  for (const listener of [...listeners]) listener(change);
}

function hear(message: MessageEvent<string>): void {
  listenOn();
  after = message.lastEventId;
  tell(JSON.parse(message.data) as Happening);
}

// Whether the server told who is signed in. A failure shows as with any call.
async function verified(): Promise<boolean> {
  try {
    await session.verify();
    return true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return false;
  }
}

// A page that was out of sight may have become another person's meanwhile, or its session have been taken up elsewhere.
// It loads what is there now: of what happened since, that may be a lot, it need not hear.
async function show(): Promise<void> {
  if (document.visibilityState === "hidden") return close();
  const { status } = session.state;
  const told = (status === "signed-in" || status === "ended") && (await verified());
  if (told && session.state.status === "signed-in") {
    after = session.state.position;
    tell(null);
  }
  open();
}

// What one may do oneself decides what a page offers.
function hearOfOneself(change: Happening | null): void {
  if (change?.object.kind === "user" && change.object.id === session.state.user?.id) void verified();
}

// A connection that broke is taken up again by the browser itself. An answer that is no stream ends it: the session
// may be over, or the server may have too many streams.
async function recover(): Promise<void> {
  if (source?.readyState !== EventSource.CLOSED) return connection.check();
  close();
  if (await verified()) tell(null);
  if (session.state.status === "signed-in") timer = setTimeout(open, REFUSED_MS);
}

export const live = {
  // Calls the listener from now on, until what this returns is called.
  listen(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  // Once a page load.
  start(): void {
    watch(
      () => session.state.status,
      () => {
        after = session.state.position;
        open();
      },
      { immediate: true },
    );
    // The stream from before may be dead without knowing.
    watch(() => connection.state.restored, open);
    live.listen(hearOfOneself);
    document.addEventListener("visibilitychange", () => void show());
  },
};
