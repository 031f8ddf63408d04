/** After 101: two sockets made into one. What is said on them is no longer HTTP. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface Splice {
  readonly client: Socket;
  readonly app: Duplex;
  /** Of the 101 response. */
  readonly headers: readonly string[];
  /** What the client sent right behind its request. */
  readonly bytes: Buffer;
}

/** Each side's end is passed on alone; when a side is gone altogether, so is the other. */
export function splice({ client, app, headers, bytes }: Splice): void {
  const lines = ["HTTP/1.1 101 Switching Protocols"];
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  client.setTimeout(0);
  client.setKeepAlive(true, 60_000);
  client.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  if (bytes.length > 0) app.write(bytes);
  join(client, app);
  join(app, client);
}

/** Carries what `from` says, and how that ends. */
export function join(from: Duplex, to: Duplex): void {
  follow(from, to);
  from.pipe(to);
}

/** When `from` is gone altogether, so is `to`, in the same way. */
export function follow(from: Duplex, to: Duplex): void {
  from.on("error", () => {
    // What was cut off must not look like an end.
    if (to instanceof Socket) to.resetAndDestroy();
    else to.destroy();
  });
  from.once("close", () => {
    // Both directions of `from` are over: what it sent is delivered, nothing more can be.
    // Also where its end was passed on long ago: `to` may be slow to take what came before that.
    to.end(() => to.destroy());
  });
}
