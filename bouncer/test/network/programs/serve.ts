/** `<host> <port> <says>` each: TCP servers that tell each connection who they are and whom they see; UDP on the same ports. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

for (const service of process.argv.slice(2)) {
  const [host = "", port = "", ...words] = service.split(" ");
  const target = { host, port: Number(port) };
  const says = words.join(" ");
  const server = createServer((socket) => {
    socket.on("error", () => {});
    const from = (socket.remoteAddress ?? "").replace("::ffff:", "");
    socket.end(`${says} from ${from} at ${socket.localPort}`);
  });
  server.listen({ ...target, ipv6Only: false });
  await once(server, "listening");

  const datagrams = createSocket(target.host.includes(":") ? "udp6" : "udp4");
  datagrams.on("message", (_message, peer) =>
    datagrams.send(`${says} by UDP`, peer.port, peer.address),
  );
  datagrams.bind(target.port, target.host);
  await once(datagrams, "listening");
}
// Ends with the test run, however that ends.
process.stdin.on("end", () => process.exit(0)).resume();
process.stdout.write("listening\n");
