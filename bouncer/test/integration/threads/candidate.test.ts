/** A candidate that is compared in several threads is one candidate: counted and judged together. */
import type { CandidateTerms } from "bouncer-bridge/protocol";
import { afterEach, expect, test } from "vitest";
import { startServer } from "../sync/server.ts";
import { hintTo, sha256 } from "../sync/setting.ts";
import { bundleOf, cleanUp, cleanups, createClient, startThreaded, statusOf } from "./setting.ts";

afterEach(cleanUp);

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

function isPolicy(value: unknown): value is { readonly candidates: readonly unknown[] } {
  return typeof value === "object" && value !== null && "candidates" in value;
}

async function start(terms: Partial<CandidateTerms>) {
  const current = await bundleOf("r1");
  const next = await bundleOf("r2", 'input.attributes.request.http.method == "HEAD"');
  const server = await startServer({
    answer: (request, response) => {
      response.end(request.url === "/bundles/next" ? next : current);
    },
  });
  cleanups.push(() => server[Symbol.asyncDispose]());
  const url = `${server.origin.replace("http", "ws")}/v1/sync`;
  const bouncer = await startThreaded({ bundle: current, env: { POLICY_SYNC_URL: url } });
  const socket = await server.sockets.take();
  const candidate: CandidateTerms = {
    revision: "r2",
    url: "/bundles/next",
    sha256: sha256(next),
    enforce: false,
    minDecisions: 100,
    maxRefusalRateChange: 1,
    ...terms,
  };
  socket.send(hintTo(current, { bundle: "policy.tar.gz", candidate }));
  /** What `/v1/status` has of it. */
  const shown = async (): Promise<unknown> => {
    const { policy } = await statusOf(bouncer);
    return isPolicy(policy) ? (policy.candidates[0] ?? null) : null;
  };
  while ((await shown()) === null) await new Promise((resolve) => setImmediate(resolve));
  return { bouncer, shown };
}

test("what is compared in each thread is counted together", async () => {
  const { bouncer, shown } = await start({});
  const clients = range(60).map(() => createClient(bouncer.port));
  const answers = await Promise.all(clients.map(({ ask }) => ask()));
  expect(new Set(answers.map(({ revision }) => revision))).toEqual(new Set(["r1"]));
  expect(await shown()).toMatchObject({ decisions: 60, wouldRefuse: 60, enforced: false });
});

test("one that refuses too much is given up in all threads", async () => {
  const terms = { enforce: true, minDecisions: 10, maxRefusalRateChange: 0.5 };
  const { bouncer, shown } = await start(terms);
  const clients = range(60).map(() => createClient(bouncer.port));
  const answers = await Promise.all(clients.map(({ ask }) => ask()));
  const refused = answers.filter(({ status }) => status === 403);
  expect(refused.length).toBeGreaterThan(5);
  const stopped: unknown = expect.stringContaining("more than the current policy");
  expect(await shown()).toMatchObject({ enforced: false, stopped });
  const after = await Promise.all(clients.map(({ ask }) => ask()));
  expect(new Set(after.map(({ revision }) => revision))).toEqual(new Set(["r1"]));
});
