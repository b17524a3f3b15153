import { once } from "node:events";
import { connect, createServer } from "node:net";

// Between browsers and a server: passes on what they say, until it is cut. Then nothing comes through, and nobody is
// told; behind mend() what connects anew gets through, while the streams of events from before stay silent for ever.
export class Line {
  static async to(port) {
    const line = new Line();
    line.connections = new Set();
    line.isCut = false;
    line.server = createServer((near) => line.take(near, port));
    line.server.listen(0, "127.0.0.1");
    await once(line.server, "listening");
    line.url = `http://127.0.0.1:${line.server.address().port}`;
    return line;
  }

  take(near, port) {
    const connection = { near, far: null, isStream: false };
    this.connections.add(connection);
    near.on("error", () => {});
    near.on("close", () => {
      connection.far?.destroy();
      this.connections.delete(connection);
    });
    if (this.isCut) return;
    const far = connect(port, "127.0.0.1");
    connection.far = far;
    far.on("error", () => {});
    far.on("close", () => connection.isStream || near.destroy());
    near.on("data", (bytes) => (connection.isStream ||= bytes.includes("/events/stream")));
    near.pipe(far);
    far.pipe(near);
  }

  cut() {
    this.isCut = true;
    for (const { near, far, isStream } of this.connections) {
      if (!isStream) near.destroy();
      else far.destroy();
    }
  }

  mend() {
    this.isCut = false;
    for (const { near, isStream } of this.connections) if (!isStream) near.destroy();
  }

  async close() {
    for (const { near } of this.connections) near.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}
