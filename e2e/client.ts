/** A pod outside of every labelled namespace that sends requests as any workload would. */
import { apply, execute, pod, waitReady } from "./kubernetes.ts";
import type { Pod } from "./kubernetes.ts";

export interface Request {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type Answer =
  | {
      readonly kind: "response";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  /** `code` is the socket's: ECONNREFUSED, ECONNRESET, ETIMEDOUT. */
  | { readonly kind: "failure"; readonly code: string };

export interface LoadResult {
  readonly sent: number;
  /** Status or socket error code, and how often. */
  readonly outcomes: Readonly<Record<string, number>>;
}

export interface Client {
  /** For stories with programs of their own to run in it; its only container is `client`. */
  readonly pod: Pod;
  readonly address: string;
  request(request: Request): Promise<Answer>;
  /** Steady load from `connections` keep-alive connections for `seconds`. */
  load(request: Request, options: { seconds: number; connections: number }): Promise<LoadResult>;
}

// Both scripts run in the client's pod by `node -e`, and take their arguments as JSON.
const requestScript = `
const { url, method, headers, body } = JSON.parse(process.argv[1]);
const request = require("node:http").request(url, { method, headers, timeout: 8000 }, (response) => {
  let text = "";
  response.setEncoding("utf8").on("data", (part) => (text += part));
  response.on("end", () => print({ kind: "response", status: response.statusCode, headers: response.headers, body: text }));
});
const print = (answer) => { console.log(JSON.stringify(answer)); process.exit(0); };
request.on("timeout", () => request.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" })));
request.on("error", (error) => print({ kind: "failure", code: error.code }));
request.end(body);
`;

const loadScript = `
const { url, method, headers, seconds, connections } = JSON.parse(process.argv[1]);
const http = require("node:http");
const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
const outcomes = {};
let sent = 0;
const end = Date.now() + seconds * 1000;
const once = () => new Promise((resolve) => {
  sent += 1;
  const count = (what) => { outcomes[what] = (outcomes[what] ?? 0) + 1; resolve(); };
  const request = http.request(url, { method, headers, agent, timeout: 8000 }, (response) => {
    response.on("error", (error) => count(error.code)).on("end", () => count(String(response.statusCode))).resume();
  });
  request.on("timeout", () => request.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" })));
  request.on("error", (error) => count(error.code));
  request.end();
});
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
const worker = async () => { while (Date.now() < end) { await once(); await pause(); } };
Promise.all(Array.from({ length: connections }, worker)).then(() => {
  console.log(JSON.stringify({ sent, outcomes }));
  process.exit(0);
});
`;

export async function createClient(namespace: string, image: string): Promise<Client> {
  await apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "client", namespace, labels: { app: "client" } } as { name: string },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: "client",
          image,
          imagePullPolicy: "IfNotPresent",
          command: ["node", "-e", "setInterval(() => {}, 1 << 30)"],
        },
      ],
    },
  });
  await waitReady(namespace, "app=client");
  const object: Pod = await pod(namespace, "app=client");
  return {
    pod: object,
    address: object.status.podIP ?? "",
    request: async (request) =>
      JSON.parse(
        await execute(object, "client", ["node", "-e", requestScript, JSON.stringify(request)]),
      ) as Answer,
    load: async (request, options) => {
      const argument = JSON.stringify({ ...request, ...options });
      const timeoutMs = (options.seconds + 60) * 1000;
      return JSON.parse(
        await execute(object, "client", ["node", "-e", loadScript, argument], { timeoutMs }),
      ) as LoadResult;
    },
  };
}
