/** More connections than handshakes at once: all get their turn, whatever becomes of the others. */
import { once } from "node:events";
import { createServer } from "node:https";
import { connect as connectPlain } from "node:net";
import { connect } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { createAcceptor } from "../../src/accept.ts";
import { createCertificate } from "./support.ts";

async function start(maxHandshakes: number) {
  const certificate = createCertificate();
  const ca = certificate["tls.crt"];
  const https = createServer({ cert: ca, key: certificate["tls.key"] }, (_request, response) =>
    response.end("answer"),
  );
  const acceptor = createAcceptor(https, { maxHandshakes, maxConnections: 100 });
  const { server } = acceptor;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    acceptor.dismiss();
    const closed = once(server, "close");
    server.close();
    https.closeAllConnections();
    await closed;
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    acceptor,
    /** One that says nothing, and so holds a turn. */
    occupy: async () => {
      const socket = connectPlain(port, "127.0.0.1");
      socket.on("error", () => undefined);
      await once(socket, "connect");
      onTestFinished(() => void socket.destroy());
      return socket;
    },
    secure: async (): Promise<string> => {
      const socket = connect({ port, host: "127.0.0.1", ca, servername: "localhost" });
      socket.on("error", () => undefined);
      await once(socket, "secureConnect");
      socket.end("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
      let text = "";
      for await (const chunk of socket) text += String(chunk);
      return text;
    },
  };
}

test("20 with two at once are all answered", async () => {
  const { secure } = await start(2);
  const answers = await Promise.all(Array.from({ length: 20 }, secure));
  for (const answer of answers) expect(answer).toContain("answer");
});

test("who waits goes on when one who held the turn leaves, or speaks no TLS", async () => {
  const { occupy, secure } = await start(2);
  const [leaves, babbles] = await Promise.all([occupy(), occupy()]);
  const answered = Promise.all([secure(), secure()]);
  leaves.destroy();
  babbles.write("GET / HTTP/1.1\r\n\r\n");
  for (const answer of await answered) expect(answer).toContain("answer");
});

test("who waits when the server ends is let go", async () => {
  const { acceptor, occupy } = await start(1);
  const seen = async (): Promise<void> => {
    await once(acceptor.server, "connection");
  };
  await Promise.all([seen(), occupy()]);
  const [, waiting] = await Promise.all([seen(), occupy()]);
  waiting.resume();
  const closed = once(waiting, "close");
  acceptor.dismiss();
  await closed;
  expect(waiting.destroyed).toBe(true);
});
