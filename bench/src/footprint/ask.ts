/** One request over a socket of its own: nothing of a client's warm-up is in what is measured. */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const retryMs = 1;

/** Of a request. */
export interface Head {
  readonly target: string;
  /** Names and values, one after the other. */
  readonly rawHeaders: readonly string[];
}

function print({ target, rawHeaders }: Head): string {
  const lines = [`GET ${target} HTTP/1.1`, "Connection: close"];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** The status of the answer; null when nobody listens. */
async function ask(port: number, head: Head): Promise<number | null> {
  const socket = connect(port, "127.0.0.1").setNoDelay();
  try {
    await once(socket, "connect");
    socket.write(print(head));
    const [answer] = (await once(socket, "data")) as readonly unknown[];
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(String(answer))?.[1]);
  } catch {
    return null;
  } finally {
    socket.destroy();
  }
}

/** When the answer has come, on `performance`'s clock. Throws when it is another. */
export async function askUntilAnswered(
  port: number,
  head: Head,
  deadline: number,
): Promise<number> {
  while (performance.now() < deadline) {
    const status = await ask(port, head);
    if (status === 200) return performance.now();
    // `/ready` says so while it is not.
    if (status !== null && status !== 503)
      throw new Error(`${head.target} is answered by ${status}`);
    await sleep(retryMs);
  }
  throw new Error(`${head.target} is not answered`);
}
