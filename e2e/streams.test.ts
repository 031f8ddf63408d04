/** Story 17: streams that outlive the policy that let them begin. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "./client.ts";
import type { Client } from "./client.ts";
import { readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { apply, containerLog, follow, pod, rolledOut } from "./kubernetes.ts";
import type { Pod } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import {
  bearer,
  grpcCall,
  grpcContainer,
  grpcPort,
  grpcService,
  publishStreams,
  publishUsual,
  streamsPolicy,
} from "./orders.ts";
import type { Running } from "./program.ts";
import { deployment, service } from "./workloads.ts";

const { appImage: image } = readEnvironment();
let namespace = "";
let outside = "";
let client: Client;
let app: Pod;
const running: Running[] = [];

beforeAll(async () => {
  await publishStreams(["viewer", "editor"]);
  namespace = await createNamespace("streams", injected, streamsPolicy);
  outside = await createNamespace("outside");
  await apply(service(namespace, "orders"), grpcService(namespace, "calls"));
  const options = { image, container: grpcContainer, labels: { app: "orders" } };
  await apply(deployment(namespace, "orders", options));
  client = await createClient(outside, image);
  await rolledOut(namespace, "deployment/orders");
  app = await pod(namespace, "app=orders");
});

afterAll(async () => {
  for (const one of running) one.stop();
  await publishUsual();
  await Promise.all([namespace, outside].filter((name) => name !== "").map(deleteNamespace));
});

/** Runs in the client's pod: says something all the time, and what it is told. */
const socketScript = `
const [url, authorization] = process.argv.slice(1);
const socket = new WebSocket(url, { headers: { authorization } });
const say = (...what) => console.log(what.join(" "));
let count = 0;
socket.onopen = () => { say("open"); setInterval(() => socket.send(String(count++)), 100); };
socket.onmessage = ({ data }) => say("message", data);
socket.onerror = () => say("error");
socket.onclose = ({ code }) => { say("close", code); process.exit(0); };
`;

function track(command: readonly string[]): Running {
  const one = follow(client.pod, "client", command);
  running.push(one);
  return one;
}

const openSocket = (user: "alice" | "bob"): Running =>
  track(["node", "-e", socketScript, `ws://orders.${namespace}.svc/ws`, bearer(user)]);

const watch = (user: "alice" | "bob"): Running =>
  track(
    grpcCall(
      `${app.status.podIP ?? ""}:${grpcPort}`,
      "/example.Orders/Watch",
      `authorization=${bearer(user)}`,
      `{"ticks":100000,"intervalMs":100}`,
    ),
  );

const isMessage = (line: string) => line.startsWith("message ") || line.includes(`"tick"`);
const isEnd = (line: string) => line.startsWith("close ") || line.includes(`"code":`);

/** More of it comes. */
async function goesOn(stream: Running): Promise<void> {
  const before = stream.count();
  await eventually(async () => expect(stream.count()).toBeGreaterThan(before + 5));
}

test("a changed policy ends the streams that it refuses, and no others", async () => {
  const sockets = { alice: openSocket("alice"), bob: openSocket("bob") };
  const calls = { alice: watch("alice"), bob: watch("bob") };
  for (const stream of [...Object.values(sockets), ...Object.values(calls)]) {
    await stream.line(isMessage);
  }

  // The same once more, under another revision: nobody notices.
  await publishStreams(["editor", "viewer"]);
  for (const stream of [sockets.bob, calls.bob]) await goesOn(stream);

  await publishStreams(["editor"]);
  expect(await sockets.bob.line(isEnd)).toBe("close 1006");
  expect(await calls.bob.line(isEnd)).not.toContain(`"status":"OK"`);
  for (const stream of [sockets.alice, calls.alice]) await goesOn(stream);

  const late = openSocket("bob");
  expect(await late.line((line) => line === "error" || line === "open")).toBe("error");

  await eventually(async () => {
    const lines = (await containerLog(app, "bouncer-sidecar")).split("\n");
    const cut = lines.filter((line) => line.includes(`"reason":"policy_changed"`));
    const records = cut.filter((line) => line.includes("decision_logs"));
    expect(records.some((line) => line.includes("/ws"))).toBe(true);
    expect(records.some((line) => line.includes("/example.Orders/Watch"))).toBe(true);
    expect(records).toHaveLength(2);
  });
});
