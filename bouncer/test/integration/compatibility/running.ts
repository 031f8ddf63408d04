/** A policy that decides here, and what the real `opa eval` says to the same inputs. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Decision, Policy } from "../../../src/policy/decision.ts";
import { createPolicy } from "../../../src/policy/policy.ts";
import { parseJson } from "../../../src/rego/term.ts";
import { keyOf, RegoObject, type Value } from "../../../src/rego/value.ts";
import { buildBundle, opa, writeSources } from "../policy/opa.ts";
import { configOf, silent, useDirectory } from "../policy/setting.ts";

export interface Running extends AsyncDisposable {
  readonly policy: Policy;
  readonly rego: string;
}

export async function start(rego: string): Promise<Running> {
  const directory = await useDirectory();
  await writeFile(
    join(directory.path, "bundle.tar.gz"),
    await buildBundle({ "policy.rego": rego }),
  );
  const config = configOf({ POLICY_DIRECTORY: directory.path });
  const policy = await createPolicy(config, { log: silent, version: "1.2.3" });
  const { bundle, sync } = policy.status();
  if (bundle === null) throw new Error(`the policy was not activated: ${sync.error?.message}`);
  return {
    policy,
    rego,
    async [Symbol.asyncDispose]() {
      await policy.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** A difference for each decision that the real OPA would not have made from the same input. */
export async function compareWithOpa(
  rego: string,
  decisions: Readonly<Record<string, Decision>>,
): Promise<readonly string[]> {
  const inputs = Object.entries(decisions).map(([name, { input }]) => [name, input] as const);
  const directory = await writeSources({
    "policy.rego": rego,
    "inputs.json": JSON.stringify({ inputs: Object.fromEntries(inputs) }),
  });
  try {
    const query =
      "{name: answer | some name, i in data.inputs; answer := data.envoy.authz.allow with input as i}";
    const mode = ["--format", "raw", "--data", ".", "--import", "rego.v1"];
    const answers = parseJson(await opa(directory, "eval", ...mode, query));
    if (!(answers instanceof RegoObject)) throw new Error("opa gave no object");
    return Object.entries(decisions).flatMap(([name, { result }]) => {
      const theirs = answers.get(name);
      const ours = result === undefined ? undefined : parseJson(JSON.stringify(result));
      return keyOrNone(theirs) === keyOrNone(ours) ? [] : [name];
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}

function keyOrNone(value: Value | undefined): string | null {
  return value === undefined ? null : keyOf(value);
}
