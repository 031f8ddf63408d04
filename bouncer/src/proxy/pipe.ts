/** Two sockets made into one, by Node's streams. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { resetSocket } from "../http/socket-stream.ts";

/** Carries what `from` says, and how that ends. */
export function join(from: Duplex, to: Duplex): void {
  follow(from, to);
  from.pipe(to);
}

/** When `from` is gone altogether, so is `to`, in the same way. */
export function follow(from: Duplex, to: Duplex): void {
  from.on("error", () => {
    // What was cut off must not look like an end.
    if (to instanceof Socket) resetSocket(to);
    else to.destroy();
  });
  from.once("close", () => {
    // Both directions of `from` are over: what it sent is delivered, nothing more can be.
    // Also where its end was passed on long ago: `to` may be slow to take what came before that.
    to.end(() => to.destroy());
  });
}
