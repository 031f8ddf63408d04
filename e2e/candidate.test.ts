/** A policy on its way: bundled by `bouncer bundle`, compared, rolled out, given up, put in place. */
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "./client.ts";
import type { Client } from "./client.ts";
import { readEnvironment } from "./environment.ts";
import { eventually } from "./eventually.ts";
import { publish } from "./install.ts";
import { kubectlBouncer } from "./kubectl-bouncer.ts";
import { apply, execute, kubectl, pod, podAddress, rolledOut } from "./kubernetes.ts";
import type { Pod } from "./kubernetes.ts";
import { createNamespace, deleteNamespace, injected } from "./namespaces.ts";
import { allowed, buildPolicy } from "./policy.ts";
import { run, tryRun } from "./program.ts";
import { appPort, deployment } from "./workloads.ts";

const { appImage } = readEnvironment();
const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const bouncer = at("bouncer/dist/main.mjs");
let namespace = "";
let outside = "";
let client: Client;
let app: Pod;
let folder = "";
/** The policy of all stories, the same with another revision, and one that refuses everybody. */
let usual = "";
let better = "";
let closed = "";

/** The example policy by `bouncer bundle`, as people make bundles. */
async function bundle(revision: string): Promise<string> {
  const source = join(folder, "policy");
  await cp(at("examples/policy"), source, {
    recursive: true,
    filter: (path) => !/\/(?:dist|README\.md|build\.sh)$/.test(path),
  });
  const output = join(folder, `${revision}.tar.gz`);
  const said = await run("node", [bouncer, "bundle", source, "-o", output, "-r", revision]);
  expect(said).toContain("attributes.request.http.headers.authorization");
  return output;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bouncer-e2e-candidate-"));
  namespace = await createNamespace("candidate", injected);
  outside = await createNamespace("outside");
  [usual, better, closed] = await Promise.all([
    buildPolicy("usual"),
    bundle("better"),
    buildPolicy("closed"),
  ]);
  await publish({ "policy.tar.gz": usual });
  await apply(deployment(namespace, "orders", { image: appImage }));
  client = await createClient(outside, appImage);
  await rolledOut(namespace, "deployment/orders");
  app = await pod(namespace, "app=orders");
});

afterAll(async () => {
  await publish({ "policy.tar.gz": usual });
  await Promise.all([namespace, outside].filter((name) => name !== "").map(deleteNamespace));
});

async function propose(next: string, rollout: object): Promise<void> {
  const file = join(folder, "rollout.json");
  const terms = { candidate: "next.tar.gz", ...rollout };
  await writeFile(file, JSON.stringify({ "policy.tar.gz": terms }));
  await publish({ "policy.tar.gz": usual, "next.tar.gz": next, "rollout.json": file });
}

interface Candidate {
  readonly revision: string;
  readonly enforced: boolean;
  readonly decisions: number;
  readonly differing: number;
  readonly wouldRefuse: number;
  readonly stopped: string | null;
}

interface PolicyStatus {
  readonly bundle: { readonly revision: string };
  readonly candidates: readonly Candidate[];
}

async function policyStatus(): Promise<PolicyStatus> {
  const script = `fetch("http://127.0.0.1:9090/v1/status").then(async (r) => console.log(JSON.stringify((await r.json()).policy)))`;
  const text = await execute(app, "bouncer-sidecar", ["node", "-e", script]);
  return JSON.parse(text) as PolicyStatus;
}

/** Waits for the ConfigMap to reach the bridge, too: that is the kubelet's time. */
async function candidateIs(expected: Partial<Candidate>): Promise<void> {
  await eventually(
    async () => expect((await policyStatus()).candidates[0]).toMatchObject(expected),
    { timeoutMs: 150_000, intervalMs: 500 },
  );
}

async function ask(): Promise<number> {
  const url = `http://${podAddress(app)}:${appPort}${allowed.path}`;
  const answer = await client.request({ ...allowed, url });
  return answer.kind === "response" ? answer.status : 0;
}

test("a candidate is compared, enforced, given up where it refuses too much, and put in place", async () => {
  // Compared: nothing changes for clients, and everybody can see what would.
  await propose(closed, { percent: 0 });
  await candidateIs({ revision: "closed", enforced: false });
  for (let count = 0; count < 5; count += 1) expect(await ask()).toBe(200);
  expect((await policyStatus()).candidates[0]).toMatchObject({
    decisions: 5,
    differing: 5,
    wouldRefuse: 5,
    stopped: null,
  });
  const records = await kubectl(`logs -n ${namespace} ${app.metadata.name} -c bouncer-sidecar`);
  expect(records).toMatch(
    /"candidate":\{"bundle":"policy\.tar\.gz","revision":"closed","verdict":"deny","reason":"policy","differs":true\}/,
  );
  const metrics = await client.request({ url: `http://${podAddress(app)}:9090/metrics` });
  expect(JSON.stringify(metrics)).toContain("bouncer_candidate_differences{");

  // Enforced: for so many requests as the operator allows, and no more.
  await propose(closed, { percent: 100, maxRefusalRateChange: 0.05, minDecisions: 40 });
  await candidateIs({ revision: "closed", enforced: true });
  const statuses: number[] = [];
  for (let count = 0; count < 6; count += 1) statuses.push(await ask());
  expect(statuses).toEqual([403, 403, 403, 200, 200, 200]);
  await candidateIs({ revision: "closed", enforced: false });
  expect((await policyStatus()).candidates[0]?.stopped).toContain("refused 3 more");

  // The fleet's view says so, with the exit code for "no".
  await eventually(async () => {
    const { code, stdout } = await kubectlBouncer("policy status -o json");
    expect(stdout).toContain("refused 3 more");
    expect(code).toBe(3);
  });

  // One that decides the same is enforced, and then becomes the current one.
  await propose(better, { percent: 100 });
  await candidateIs({ revision: "better", enforced: true, stopped: null });
  for (let count = 0; count < 3; count += 1) expect(await ask()).toBe(200);
  expect((await policyStatus()).candidates[0]).toMatchObject({ differing: 0, wouldRefuse: 0 });
  await publish({ "policy.tar.gz": better });
  await eventually(
    async () => {
      const status = await policyStatus();
      expect(status.candidates).toEqual([]);
      expect(status.bundle.revision).toBe("better");
    },
    { timeoutMs: 150_000, intervalMs: 500 },
  );
  expect(await ask()).toBe(200);
  const { code, stdout } = await eventually(async () => {
    const result = await kubectlBouncer("policy status -a");
    expect(result.stdout).toContain("better");
    return result;
  });
  expect(stdout).toContain(`${namespace}/${app.metadata.name}`);
  expect([0, 3]).toContain(code);

  // What the pod has recorded can be asked of any other bundle.
  const log = join(folder, "audit.log");
  await writeFile(
    log,
    await kubectl(`logs -n ${namespace} ${app.metadata.name} -c bouncer-sidecar`),
  );
  const replayed = await tryRun("node", [bouncer, "replay", "-b", closed, log]);
  expect(replayed.stdout).toMatch(/\d+ of \d+ decisions would change/);
  expect(replayed.stdout).toContain("GET /orders/*");
  expect((await readFile(log, "utf8")).length).toBeGreaterThan(0);
});
