/** A process of real policies, each with its own link to a bridge, ordered about by messages. */
import { tmpdir } from "node:os";
import { pino } from "pino";
import * as v from "valibot";
import { parseConfig } from "../../src/config.ts";
import { createPolicy } from "../../src/policy/policy.ts";

const activatedSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ msg: v.literal("policy activated"), revision: v.string() }),
);

export interface PoliciesOrder {
  readonly first: number;
  readonly count: number;
  readonly port: number;
  readonly ca: string;
  readonly bundle: string;
}

export interface PolicyNews {
  readonly index: number;
  readonly revision: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

async function start(order: PoliciesOrder, index: number): Promise<void> {
  const { port, ca, bundle } = order;
  const parsed = parseConfig({
    POLICY_DIRECTORY: `${tmpdir()}/bouncer-nothing`,
    POLICY_SYNC_URL: `wss://127.0.0.1:${port}/v1/sync`,
    POLICY_SYNC_CA: ca,
    POLICY_SYNC_CLIENT_TOKEN: `policy-${index}`,
    POLICY_BUNDLE_URL: `https://127.0.0.1:${port}/bundles/${bundle}`,
    POD_NAMESPACE: "load",
    POD_NAME: `policy-${index}`,
  });
  if (parsed.kind === "invalid") throw new Error(parsed.problems.join("\n"));
  const log = pino(
    { level: "info" },
    {
      write(line: string) {
        const activated = v.safeParse(activatedSchema, line);
        if (!activated.success) return;
        const news: PolicyNews = { index, revision: activated.output.revision, at: Date.now() };
        process.send?.(news);
      },
    },
  );
  await createPolicy(parsed.config, { log, version: "0.0.0" });
}

process.once("message", (order: PoliciesOrder) => {
  void Promise.all(
    Array.from({ length: order.count }, (_, offset) => start(order, order.first + offset)),
  );
});
process.once("disconnect", () => process.exit());
