/** What node:http makes of the same bytes: a server or a client of it at the end of a real socket. */
import { createServer, type IncomingMessage, request as sendRequest } from "node:http";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server as NetServer,
  Socket,
} from "node:net";
import type { Message, Reading } from "./own-reader.ts";

/** Told of each message when its head is there. */
function follow(message: IncomingMessage, line: Message["line"], reading: Reading): Message {
  const described: Message = {
    line,
    headers: message.rawHeaders,
    body: "",
    trailers: [],
    isComplete: false,
  };
  reading.messages.push(described);
  message.on("data", (chunk: Buffer) => {
    described.body += chunk.toString("latin1");
  });
  message.on("end", () => {
    described.trailers = message.rawTrailers;
    described.isComplete = message.complete;
  });
  message.on("error", () => {});
  return described;
}

function minorOf(message: IncomingMessage): number {
  return message.httpVersionMajor === 1 ? message.httpVersionMinor : -1;
}

function listen(server: NetServer): Promise<void> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve();
    });
  });
}

export interface NodeReader {
  read(bytes: Buffer, method: string): Promise<Reading>;
  close(): void;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("there is no port");
  return address.port;
}

/** node:http as server. */
export async function createServerReader(): Promise<NodeReader> {
  const readings = new Map<number, Reading>();
  const closed = new Map<number, () => void>();
  const readingOf = (socket: Socket): Reading => {
    const port = socket.remotePort ?? -1;
    const reading = readings.get(port) ?? { messages: [], end: "clean", problem: "", heads: [] };
    readings.set(port, reading);
    return reading;
  };
  const server = createServer({ insecureHTTPParser: false }, (request, response) => {
    const line = [request.method ?? "", request.url ?? "", minorOf(request)];
    follow(request, line, readingOf(request.socket));
    request.on("end", () => {
      response.end();
    });
  });
  server.on("connection", (socket) => {
    const reading = readingOf(socket);
    const port = socket.remotePort ?? -1;
    socket.on("error", () => {});
    socket.on("close", () => {
      readings.set(port, reading);
      closed.get(port)?.();
    });
  });
  server.on("clientError", (error: Error & { code?: string }, socket) => {
    const reading = socket instanceof Socket ? readingOf(socket) : undefined;
    if (reading !== undefined && reading.end === "clean") {
      reading.end = error.code === "HPE_INVALID_EOF_STATE" ? "partial" : "malformed";
      reading.problem = `${error.code ?? ""} ${error.message}`;
    }
    socket.destroy();
  });
  await listen(server);
  const port = portOf(server.address());
  return {
    close: () => server.close(),
    read: (bytes) =>
      new Promise((resolve) => {
        const socket = connect({ port, host: "127.0.0.1" });
        let local = -1;
        let answers = "";
        const finish = (): void => {
          const reading = readings.get(local) ?? {
            messages: [],
            end: "clean",
            problem: "",
            heads: [],
          };
          readings.delete(local);
          closed.delete(local);
          // What is refused without an event: a request without Host, an unknown expectation.
          if (/HTTP\/1\.1 4\d\d/.test(answers)) reading.end = "malformed";
          resolve(reading);
        };
        socket.on("connect", () => {
          local = socket.localPort ?? -1;
          let left = 2;
          const part = (): void => {
            left--;
            if (left === 0) finish();
          };
          closed.set(local, part);
          socket.on("close", part);
          socket.end(bytes);
        });
        socket.on("error", () => {});
        socket.on("data", (chunk) => {
          answers += chunk.toString("latin1");
        });
      }),
  };
}

/** node:http as client; the answer is that to a request with `method`. */
export async function createClientReader(): Promise<NodeReader> {
  const answers = new Map<string, Buffer>();
  const server = createTcpServer((socket) => {
    let head = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      head += chunk.toString("latin1");
      const path = /^\S+ (\S+)[^]*\r\n\r\n/.exec(head)?.[1];
      const bytes = path === undefined ? undefined : answers.get(path);
      if (path === undefined || bytes === undefined) return;
      answers.delete(path);
      socket.end(bytes);
    });
  });
  await listen(server);
  const port = portOf(server.address());
  let count = 0;
  return {
    close: () => server.close(),
    read: (bytes, method) =>
      new Promise((resolve) => {
        const reading: Reading = { messages: [], end: "clean", problem: "", heads: [] };
        count += 1;
        const path = `/${count}`;
        answers.set(path, bytes);
        const request = sendRequest({ port, host: "127.0.0.1", path, method, agent: false });
        request.on("information", (info) => {
          reading.messages.push({
            line: [info.statusCode, info.statusMessage, info.httpVersionMinor],
            headers: info.rawHeaders,
            body: "",
            trailers: [],
            isComplete: true,
          });
        });
        request.on("response", (response) => {
          const line = [response.statusCode ?? 0, response.statusMessage ?? "", minorOf(response)];
          follow(response, line, reading);
        });
        request.on("upgrade", (response, socket) => {
          const line = [response.statusCode ?? 0, response.statusMessage ?? "", minorOf(response)];
          follow(response, line, reading).isComplete = true;
          reading.end = "switched";
          socket.destroy();
        });
        request.on("error", (error) => {
          if (reading.end === "clean") reading.end = "malformed";
          reading.problem = error.message;
        });
        request.on("close", () => {
          resolve(reading);
        });
        request.end();
      }),
  };
}
