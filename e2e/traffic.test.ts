/** Story 1 and 2: what passes an injected pod, and what does not. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "./client.ts";
import type { Answer, Client } from "./client.ts";
import { readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import {
  apply,
  containerLog,
  execute,
  initContainerNames,
  pod,
  podAddress,
  podHosts,
  rolledOut,
} from "./kubernetes.ts";
import type { Pod } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { allowed, refused } from "./policy.ts";
import { appPort, deployment, service } from "./workloads.ts";

const undeclaredPort = 3999;
const { appImage } = readEnvironment();
let namespace = "";
let outside = "";
let client: Client;
let app: Pod;

beforeAll(async () => {
  namespace = await createNamespace("traffic", injected);
  outside = await createNamespace("outside");
  const env = [{ name: "SECOND_PORT", value: String(undeclaredPort) }];
  await apply(
    deployment(namespace, "orders", { image: appImage, container: { env } }),
    service(namespace, "orders"),
  );
  client = await createClient(outside, appImage);
  await rolledOut(namespace, "deployment/orders");
  app = await pod(namespace, "app=orders");
});

afterAll(async () => {
  await Promise.all([deleteNamespace(namespace), deleteNamespace(outside)]);
});

/** The example application answers with the request as it saw it. */
interface Seen {
  readonly headers: Readonly<Record<string, string>>;
}

function response(answer: Answer) {
  if (answer.kind === "failure") throw new Error(`no response: ${answer.code}`);
  return answer;
}

async function insideFetch(url: string): Promise<string> {
  const script = `fetch(process.argv[1]).then((r) => console.log(r.status), (e) => console.log(e.cause.code))`;
  return (await execute(app, "app", ["node", "-e", script, url])).trim();
}

test("the pod starts redirect, loader and sidecar before the application", () => {
  expect(initContainerNames(app)).toEqual(["bouncer-redirect", "policy-loader", "bouncer-sidecar"]);
});

describe.each([
  { way: "through the Service", base: () => `http://orders.${namespace}.svc` },
  { way: "straight to the pod", base: () => `http://${podAddress(app)}:${appPort}` },
])("$way", ({ base }) => {
  test("an allowed request reaches the application", async () => {
    const answer = response(await client.request({ ...allowed, url: base() + allowed.path }));
    expect(answer.status).toBe(200);
  });

  test("a refused request does not, and the answer says who refused it", async () => {
    const answer = response(await client.request({ ...refused, url: base() + refused.path }));
    expect(answer.status).toBe(403);
    expect(answer.headers["x-bouncer-reason"]).toBe("policy");
    expect(answer.headers["x-bouncer-decision-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("the application sees the client's address and no forged identity", async () => {
    const forged = {
      "X-Forwarded-For": "6.6.6.6",
      "X-Real-IP": "6.6.6.6",
      Forwarded: "for=6.6.6.6",
      "X-Forwarded-Client-Cert": "Subject=admin",
      "X-Bouncer-User": "root",
    };
    const answer = response(
      await client.request({
        ...allowed,
        url: base() + allowed.path,
        headers: { ...allowed.headers, ...forged },
      }),
    );
    const { headers } = JSON.parse(answer.body) as Seen;
    expect(headers["x-forwarded-for"]).toBe(client.address);
    expect(JSON.stringify(headers)).not.toMatch(/6\.6\.6\.6|Subject=admin|root/);
  });
});

interface AuditRecord {
  readonly decision_id: string;
  readonly result: unknown;
}

test("every address of the pod is enforced", async () => {
  for (const host of podHosts(app)) {
    const url = `http://${host}:${appPort}`;
    expect(await client.request({ ...allowed, url: url + allowed.path })).toMatchObject({
      status: 200,
    });
    expect(await client.request({ ...refused, url: url + refused.path })).toMatchObject({
      status: 403,
    });
  }
});

test("each decision leaves one audit record", async () => {
  const path = `/orders/${Date.now()}`;
  const url = `http://orders.${namespace}.svc${path}`;
  await client.request({ ...allowed, url });
  const refusal = response(await client.request({ ...refused, url }));
  const records = await eventually(async () => {
    const lines = (await containerLog(app, "bouncer-sidecar")).split("\n");
    const found = lines.filter((line) => line.includes(path));
    expect(found).toHaveLength(2);
    return found.map((line) => JSON.parse(line) as AuditRecord);
  });
  expect(records.map(({ result }) => result)).toMatchObject([
    { allowed: true },
    { allowed: false },
  ]);
  expect(records[1]?.decision_id).toBe(refusal.headers["x-bouncer-decision-id"]);
});

describe("a port that no container declares", () => {
  test("is refused from outside, in each family of the pod's addresses", async () => {
    for (const host of podHosts(app)) {
      const url = `http://${host}:${undeclaredPort}/`;
      expect(await client.request({ url })).toEqual({ kind: "failure", code: "ECONNREFUSED" });
    }
  });

  test("is open to the application's own loopback", async () => {
    expect(await insideFetch(`http://127.0.0.1:${undeclaredPort}/`)).toBe("200");
  });
});

test("the application reaches itself and others without a decision", async () => {
  expect(await insideFetch(`http://127.0.0.1:${appPort}/`)).toBe("200");
  const script = `require("node:net").connect(443, "kubernetes.default.svc", function () { console.log("connected"); this.destroy(); }).on("error", (e) => console.log(e.code))`;
  expect((await execute(app, "app", ["node", "-e", script])).trim()).toBe("connected");
});
