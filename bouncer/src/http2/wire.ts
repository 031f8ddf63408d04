/** The connection below HTTP/2, as `SocketStream` is one; tests have theirs in memory. */
import type { ByteStream } from "../http/message.ts";

export interface Wire extends ByteStream {
  /** Written, and still in the process. */
  readonly pendingBytes: number;
  /** Calls back when all that was written is out of the process; not if it never can be. */
  whenSent(done: () => void): void;
  /** Bytes handed over may wait while others are read: they must not seem to last. */
  keepShared(): void;
  /** At once, whatever is still to be sent. */
  destroy(): void;
}
