/** Sends one UDP datagram to a target, `<host> <port>`, and prints the answer, or `silence`. */
import { createSocket } from "node:dgram";

const [host = "", port = ""] = (process.argv[2] ?? "").split(" ");
const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
const silence = setTimeout(() => finish("silence"), 2_000);

function finish(outcome: string): void {
  clearTimeout(silence);
  process.stdout.write(outcome);
  socket.close();
}

socket.on("message", (message) => finish(message.toString("utf8")));
socket.on("error", (error) => finish(error.message));
socket.send("hello", Number(port), host);
