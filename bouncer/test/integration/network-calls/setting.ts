/** Servers that policies call, certificates for them, and calls as an evaluation makes them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server as TcpServer,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Call, Operands } from "../../../src/rego/builtin.ts";
import {
  createNetwork,
  type Network,
  type NetworkOptions,
} from "../../../src/rego/network/network.ts";
import { findBuiltins } from "../../../src/rego/registry.ts";
import { fromJson, printTerm } from "../../../src/rego/term.ts";
import { RegoObject, type Value } from "../../../src/rego/value.ts";
import { createQuery, fixedNow } from "../differential/harness.ts";

export interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly origin: string;
  /** `GET /path` of each request, in order. */
  readonly seen: string[];
}

async function listen(server: TcpServer | Server, scheme: string, seen: string[]) {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  const { port } = server.address() as AddressInfo;
  return { port, origin: `${scheme}://127.0.0.1:${port}`, seen };
}

export async function startHttp(
  listener: RequestListener,
  tls?: ServerOptions,
): Promise<TestServer> {
  const seen: string[] = [];
  const answer: RequestListener = (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.sendDate = false;
    listener(request, response);
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  return {
    ...(await listen(server, tls === undefined ? "http" : "https", seen)),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers each request with the bytes that its path names, and closes the connection. */
export async function startRaw(
  answers: Readonly<Record<string, string | null>>,
): Promise<TestServer> {
  const seen: string[] = [];
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (data) => {
      const [line = ""] = data.toString("latin1").split(" HTTP/1.1");
      seen.push(line);
      const answer = answers[line.split(" ")[1] ?? ""];
      if (answer === null) socket.resetAndDestroy();
      else socket.end(Buffer.from(answer ?? "", "latin1"));
    });
  });
  return {
    ...(await listen(server, "http", seen)),
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Certified {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Disposable {
  readonly cert: string;
  /** A certificate for these names: `DNS:localhost,IP:127.0.0.1`. */
  issue(names: string): Certified;
}

/** An authority made by openssl, in a folder of its own. */
export function createAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), "bouncer-authority-"));
  const openssl = (...args: readonly string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-days",
    "2",
    "-subj",
    "/CN=authority",
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
  );
  return {
    cert: read("ca.crt"),
    issue(names) {
      openssl("req", ...newKey, "-subj", "/CN=test", "-keyout", "one.key", "-out", "one.csr");
      writeFileSync(join(folder, "one.ext"), `subjectAltName=${names}`);
      const by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "one.ext"];
      openssl("x509", "-req", "-in", "one.csr", ...by, "-days", "2", "-out", "one.crt");
      return { cert: read("one.crt"), key: read("one.key") };
    },
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true });
    },
  };
}

/** May reach this machine, which policies otherwise may not. */
export function openNetwork(options: Partial<NetworkOptions> = {}): Network & AsyncDisposable {
  const network = createNetwork({
    rules: { allow: null, deny: [] },
    tls: { directory: null, environment: {} },
    maxBodyBytes: 1024 * 1024,
    ...options,
  });
  return { ...network, [Symbol.asyncDispose]: () => network.close() };
}

export interface AskOptions {
  readonly now?: bigint;
  readonly signal?: AbortSignal;
}

/** The call as the engine makes it: the built-in first, then the network, when it is asked. */
export async function ask(
  network: Network,
  [name, operand]: readonly [name: string, operand: Value],
  { now = fixedNow, signal = AbortSignal.timeout(30_000) }: AskOptions = {},
): Promise<Value | undefined> {
  const { builtins } = await findBuiltins([name]);
  const calls: Call[] = [];
  const query = {
    ...createQuery(),
    answer: (call: Call) => {
      calls.push(call);
      return undefined;
    },
  };
  let direct: Value | undefined;
  try {
    direct = builtins.get(name)?.(new Operands([operand]), query);
  } catch {
    return undefined;
  }
  const [call] = calls;
  if (call === undefined) return direct;
  return (await network.call(call, now, signal)) ?? undefined;
}

/** One member of the response to a request; `null` when there is none. */
export async function send(
  network: Network,
  request: object,
  options?: AskOptions,
): Promise<RegoObject | undefined> {
  const answer = await ask(network, ["http.send", fromJson(request)], options);
  return answer instanceof RegoObject ? answer : undefined;
}

/** Code and message of the error that the answer is. */
export function errorOf(answer: RegoObject | undefined): { code: string; message: string } {
  const error = answer?.get("error");
  if (!(error instanceof RegoObject)) {
    throw new Error(`no error: ${answer === undefined ? "undefined" : printTerm(answer)}`);
  }
  const [code, message] = [error.get("code"), error.get("message")];
  if (typeof code !== "string" || typeof message !== "string") throw new Error("no texts");
  return { code, message };
}
