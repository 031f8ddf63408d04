/** Connects to each target, `<host> <port>`, and prints what came of it, a line for each. */
import { connect } from "node:net";

/** Packets that vanish without a word are told from a refusal by this. */
const silenceMs = 2_000;

function attempt(target: string): Promise<string> {
  const [host = "", port = ""] = target.split(" ");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    const chunks: Buffer[] = [];
    socket.setTimeout(silenceMs, () => {
      socket.destroy();
      resolve("silence");
    });
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

const outcomes = await Promise.all(process.argv.slice(2).map(attempt));
process.stdout.write(outcomes.join("\n"));
