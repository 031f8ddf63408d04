/** Bodies that are too large for whoever does not read: the other side has to stop. */
import type { Message } from "./reader.ts";
import { seenHead, send, type Step } from "./step.ts";
import { Mismatch, type Trial, type Wire } from "./trial.ts";

/** Bytes that repeat only after a long time, so that nothing out of place passes for right. */
export function payload(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = 1;
  for (let i = 0; i + 4 <= length; i += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes.writeUInt32LE(state, i);
  }
  return bytes.fill(7, length - (length % 4));
}

/** More than the kernel's buffers of two connections can ever hold. */
const total = 160 * 1024 * 1024;
const piece = payload(1024 * 1024);
/** The same, counted over that many exchanges of others: it has stopped. */
const quiet = 20;

/** Writes as fast as it is let; says how much has gone. */
class Pump {
  readonly #wire: Wire;
  written = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.socket.on("drain", () => {
      this.run();
    });
    this.run();
  }

  run(): void {
    const { socket } = this.#wire;
    while (this.written < total && socket.writable) {
      this.written += piece.length;
      if (!socket.write(piece)) return;
    }
  }

  get gone(): number {
    return this.#wire.socket.bytesWritten - this.#wire.socket.writableLength;
  }
}

/** An exchange beside the one that stalls: it is served all the while. */
async function beside(trial: Trial, stalled: Wire | null): Promise<void> {
  const wire = await trial.dial("beside");
  wire.send("GET /beside HTTP/1.1\r\nHost: a\r\n\r\n");
  const request = await trial.until("a request beside the one that stalls", () => {
    const found = trial.findRequest();
    return found !== null && found.wire !== stalled ? found : null;
  });
  request.wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  await trial.until("an answer beside the one that stalls", () => trial.findResponse(wire, {}));
}

async function waitForStall(trial: Trial, pump: Pump, stalled: Wire | null): Promise<void> {
  let before = -1;
  for (let same = 0; same < quiet;) {
    await beside(trial, stalled);
    same = pump.gone === before ? same + 1 : 0;
    before = pump.gone;
    if (before >= total) throw new Mismatch("all of it is taken, though nobody reads");
  }
}

async function drained(trial: Trial, wire: Wire, message: Message): Promise<void> {
  await trial.until("the rest of the body", () => {
    if (!message.isComplete) wire.reader.pump(false);
    if (message.isComplete) return true;
    if (wire.isOver) throw new Mismatch("the body is cut off");
    return null;
  });
  if (message.length !== total) throw new Mismatch(`the body has ${message.length} bytes`);
}

export function downloadStalls(): Step {
  return async (trial) => {
    const client = await trial.dial("a");
    await send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")(trial);
    await seenHead({ target: "/large" })(trial);
    const app = trial.serving;
    client.socket.pause();
    app.send(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
    const pump = new Pump(app);
    await waitForStall(trial, pump, app);
    client.socket.resume();
    const message = await trial.until("the answer", () => trial.findResponse(client, {}));
    await drained(trial, client, message);
  };
}

export function uploadStalls(): Step {
  return async (trial) => {
    const client = await trial.dial("a");
    client.send(`POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`);
    await seenHead({ target: "/large" })(trial);
    const app = trial.serving;
    app.socket.pause();
    const pump = new Pump(client);
    await waitForStall(trial, pump, app);
    app.socket.resume();
    const { message } = app;
    if (message === null) throw new Error("no request is being read");
    await drained(trial, app, message);
    app.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    await trial.until("the answer", () => trial.findResponse(client, {}));
  };
}
