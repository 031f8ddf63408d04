/** Policies and requests that mean harm, or are only slow: each costs itself, and nobody else. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Decision, RequestBody } from "../../../src/policy/decision.ts";
import { createPolicy } from "../../../src/policy/policy.ts";
import { buildBundle } from "../policy/opa.ts";
import { configOf, decideNow, requestOf, silent, useDirectory } from "../policy/setting.ts";

async function policyOf(rego: string, env: Parameters<typeof configOf>[0] = {}, input?: string[]) {
  const directory = await useDirectory();
  const file = join(directory.path, "bundle.tar.gz");
  const manifest = { metadata: { bouncer: { input: input ?? ["parsed_path"] } } };
  const bundle = await buildBundle({ "authz.rego": rego, ".manifest": JSON.stringify(manifest) });
  await writeFile(file, bundle);
  const config = configOf({
    POLICY_DIRECTORY: directory.path,
    POLICY_EVALUATION_MEMORY_MIB: "1024",
    CACHE_TTL: "0",
    ...env,
  });
  const policy = await createPolicy(config, { log: silent, version: "1" });
  return {
    policy,
    file,
    [Symbol.asyncDispose]: async () => {
      await policy.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** `/slow/N` takes N x N steps; everything else is allowed at once. */
const slowRego = `package envoy.authz
allow if input.parsed_path[0] == "fast"
allow := {"allowed": true, "headers": {"x-count": sprintf("%d", [steps])}} if input.parsed_path[0] == "slow"
steps := count([1 | some x in range; some y in range; x * y == 12])
range := numbers.range(1, to_number(input.parsed_path[1]))`;

const fast = requestOf({ target: "/fast" });
const slow = (steps: number) => requestOf({ target: `/slow/${steps}` });

function summary({ verdict }: Decision): string {
  if (verdict.kind === "deny") return `${verdict.reason} ${verdict.status}`;
  return `allow ${verdict.requestHeaders.map((header) => header.join("=")).join()}`;
}

describe("an evaluation that takes long", () => {
  test("goes on beside, while other requests are decided at once", async () => {
    await using setting = await policyOf(slowRego, { POLICY_EVALUATION_TIMEOUT_MS: "60000" });
    const { policy } = setting;
    const pending = policy.decide(slow(700), null);
    expect(pending).toBeInstanceOf(Promise);
    const done = new AbortController();
    const deciding = Promise.resolve(pending).finally(() => done.abort());
    let meanwhile = 0;
    while (!done.signal.aborted) {
      expect(summary(decideNow(policy, fast, null))).toBe("allow ");
      meanwhile += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(summary(await deciding)).toBe("allow x-count=6");
    expect(meanwhile).toBeGreaterThan(10);
  });

  test("is ended when its time is over, and the next one has its own", async () => {
    await using setting = await policyOf(slowRego, { POLICY_EVALUATION_TIMEOUT_MS: "100" });
    const { policy } = setting;
    expect(summary(await policy.decide(slow(100_000), null))).toBe("policy_timeout 503");
    expect(summary(decideNow(policy, fast, null))).toBe("allow ");
    expect(summary(await policy.decide(slow(30), null))).toBe("allow x-count=6");
    expect(policy.status().timeouts).toBe(1);
  });

  test("many at a time wait for each other only until theirs is over", async () => {
    await using setting = await policyOf(slowRego, {
      POLICY_EVALUATION_TIMEOUT_MS: "200",
      POLICY_DECISION_TIMEOUT_MS: "500",
    });
    const { policy } = setting;
    const pending = Array.from({ length: 50 }, () => policy.decide(slow(100_000), null));
    expect(summary(decideNow(policy, fast, null))).toBe("allow ");
    for (const decision of pending) expect(summary(await decision)).toBe("policy_timeout 503");
    expect(summary(decideNow(policy, fast, null))).toBe("allow ");
  });

  test("ends with the policy that it began with, also when that is replaced meanwhile", async () => {
    await using setting = await policyOf(slowRego, { POLICY_EVALUATION_TIMEOUT_MS: "60000" });
    const { policy, file } = setting;
    const pending = policy.decide(slow(700), null);
    await writeFile(
      file,
      await buildBundle({ "authz.rego": "package envoy.authz\nallow := false" }),
    );
    await policy.refresh();
    expect(summary(decideNow(policy, fast, null))).toBe("policy 403");
    expect(summary(await pending)).toBe("allow x-count=6");
  });
});

test("an evaluation that wants all memory fails alone", async () => {
  const rego = `package envoy.authz
allow if input.parsed_path[0] == "fast"
allow if { input.parsed_path[0] == "greedy"; count(numbers.range(1, 100000000)) > 0 }`;
  await using setting = await policyOf(rego, {
    POLICY_EVALUATION_MEMORY_MIB: "8",
    POLICY_EVALUATION_TIMEOUT_MS: "60000",
  });
  const { policy } = setting;
  for (let count = 0; count < 3; count += 1) {
    const decision = await policy.decide(requestOf({ target: "/greedy" }), null);
    expect(summary(decision)).toBe("policy_error 503");
    expect(summary(decideNow(policy, fast, null))).toBe("allow ");
  }
});

const bodyOf = (text: string | Uint8Array): RequestBody => ({
  bytes: Buffer.from(text),
  truncated: false,
});

describe("a body", () => {
  const rego = `package envoy.authz
allow if count(input.parsed_body) >= 0`;
  const post = requestOf({ method: "POST", rawHeaders: ["Content-Type", "application/json"] });

  test.each([
    ["50,000 levels of nesting", "[".repeat(50_000) + "]".repeat(50_000)],
    ["50,000 levels of objects", '{"a":'.repeat(12_000)],
    ["half a surrogate pair", String.raw`{"a":"\ud800"}`],
    ["half a surrogate pair as a name", String.raw`{"\udc00":1}`],
    ["a number beyond all bounds", '{"a":1e999}'],
    ["a name twice", '{"a":1,"a":2}'],
    ["a name twice, once in disguise", String.raw`{"a":1,"\u0061":2}`],
    ["something behind its end", '{"a":1} {"a":2}'],
    ["a Rego set", "{1,2}"],
    ["bad UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ["a byte order mark", `\u{feff}{"a":1}`],
    ["no end", '{"a":'],
    ["a comment", '{"a":1/**/}'],
    ["a number that JSON has not", '{"a":01}'],
    ["NaN", '{"a":NaN}'],
  ])("with %s is refused", async (_name, text) => {
    await using setting = await policyOf(rego, {}, ["parsed_body"]);
    expect(summary(decideNow(setting.policy, post, bodyOf(text)))).toBe("bad_body 400");
    expect(summary(decideNow(setting.policy, post, bodyOf('{"a":1}')))).toBe("allow ");
  });

  test("of names that all fall into one bucket costs its own time only", async () => {
    await using setting = await policyOf(rego, {}, ["parsed_body"]);
    const names = collidingNames(4000);
    const body = `{${names.map((name) => `"${name}":1`).join(",")}}`;
    expect(body.length).toBeLessThan(65_536);
    const ordinary = Object.fromEntries(names.map((_, at) => [`${at}`, 1]));
    expect(summary(decideNow(setting.policy, post, bodyOf(JSON.stringify(ordinary))))).toBe(
      "allow ",
    );
    // As many names, and so much work that it has to go on beside.
    const deciding = setting.policy.decide(post, bodyOf(body));
    expect(deciding).toBeInstanceOf(Promise);
    expect(summary(decideNow(setting.policy, post, bodyOf("{}")))).toBe("allow ");
    expect(summary(await deciding)).toBe("allow ");
  });

  test("that the policy does not read is not looked at", async () => {
    await using setting = await policyOf(slowRego);
    expect(setting.policy.needs().bodyBytes).toBe(0);
    expect(summary(decideNow(setting.policy, fast, bodyOf("{")))).toBe("allow ");
  });
});

/** The evaluator's objects find names by FNV-1 of 32 bits; these have its last 12 bits in common. */
function collidingNames(count: number): readonly string[] {
  const names: string[] = [];
  for (let number = 0; names.length < count; number += 1) {
    const name = number.toString(36);
    let hash = 0x81_1c_9d_c5;
    for (const byte of Buffer.from(name)) hash = Math.imul(hash, 0x01_00_01_93) ^ byte;
    if ((hash & 0xf_ff) === 0) names.push(name);
  }
  return names;
}

test("a search that could hold up others is not begun among them", async () => {
  const rego = `package envoy.authz
text := concat("", [input.parsed_path[0] | some _ in numbers.range(1, 4000)])
allow := regex.replace(text, "(x+x+)+(y|z){1,100}(x+x+)+(y|z){1,100}$", "") == text`;
  await using setting = await policyOf(rego, { POLICY_EVALUATION_TIMEOUT_MS: "5000" });
  const deciding = setting.policy.decide(requestOf({ target: "/xxxxxxxxxx" }), null);
  expect(deciding).toBeInstanceOf(Promise);
  expect(["allow ", "policy_timeout 503"]).toContain(summary(await deciding));
});
