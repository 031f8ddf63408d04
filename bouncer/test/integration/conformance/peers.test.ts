import { beforeAll, describe, expect, test } from "vitest";
import { formatGolden, goldenFile, type GoldenName, titles } from "./golden.ts";
import { runRows, type Target } from "./row.ts";
import { rows } from "./rows.ts";
import { createEnvoy } from "./target/envoy.ts";
import { createHaproxy } from "./target/haproxy.ts";
import { createNginx } from "./target/nginx.ts";
import { findPrograms, type Program } from "./target/program.ts";

const peers: readonly (readonly [GoldenName, (program: Program) => Target])[] = [
  ["haproxy", createHaproxy],
  ["nginx", createNginx],
  ["envoy", createEnvoy],
];

describe("other proxies: how they differ is known", () => {
  let programs: ReadonlyMap<string, Program>;

  beforeAll(() => {
    programs = findPrograms(peers.map(([name]) => name));
  }, 300_000);

  test.for(peers)("%s", { timeout: 120_000 }, async ([name, create]) => {
    const program = programs.get(name);
    if (program === undefined) throw new Error(`${titles[name]} is not installed`);
    // Part of the golden: what another version does differently is to be looked at, and recorded.
    const { version } = program;
    const outcomes = await runRows(create(program), rows, { deadlineMs: 2500, concurrency: 32 });
    const found = formatGolden({ name, version, outcomes });
    await expect(found).toMatchFileSnapshot(goldenFile(name));
  });
});
