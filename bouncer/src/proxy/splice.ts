/** After 101: two connections made into one. What is said on them is no longer HTTP. */
import type { ByteStream, ByteStreamListener, Switched } from "../http/message.ts";

/** Each side's end is passed on alone; when a side is gone altogether, so is the other. */
export function splice(client: Switched, app: Switched, onOver: () => void): void {
  let open = 2;
  const onClose = (): void => {
    open -= 1;
    if (open === 0) onOver();
  };
  join(client.stream, app.stream, onClose);
  join(app.stream, client.stream, onClose);
  // What came behind the head goes first.
  pass(client, app.stream);
  pass(app, client.stream);
}

function pass({ stream, bytes }: Switched, to: ByteStream): void {
  if (bytes.length === 0 || to.write(bytes)) stream.resume();
}

/** What `from` says, and how that ends, for `to`. */
function join(from: ByteStream, to: ByteStream, onClose: () => void): void {
  const listener: ByteStreamListener = {
    onData: (chunk) => to.write(chunk),
    onEnd: () => {
      to.end();
    },
    onDrain: () => {
      to.resume();
    },
    onClose: (isClean) => {
      // What was cut off must not look like an end; what was said before an end is delivered.
      if (isClean) to.close();
      else to.reset();
      onClose();
    },
  };
  from.attach(listener);
}
