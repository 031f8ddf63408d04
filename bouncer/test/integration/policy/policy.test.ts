import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { Policy } from "../../../src/policy/decision.ts";
import { createPolicy } from "../../../src/policy/policy.ts";
import { openSet } from "../../../src/bundle/set.ts";
import { createStore, type PreparedSet } from "../../../src/policy/store.ts";
import { requirements } from "./requirements.ts";
import { buildBundle, simpleSources } from "./opa.ts";
import {
  configOf,
  createClock,
  recordLog,
  requestOf,
  silent,
  useDirectory,
  decideNow,
} from "./setting.ts";

const run = promisify(execFile);

/** A policy over these bundle bytes, as `bouncer load` would leave them. */
async function policyOf(bytes: Uint8Array | null, env: Parameters<typeof configOf>[0] = {}) {
  const directory = await useDirectory();
  const file = join(directory.path, "bundle.tar.gz");
  if (bytes !== null) await writeFile(file, bytes);
  const config = configOf({ POLICY_DIRECTORY: directory.path, ...env });
  const timing = createClock();
  const policy = await createPolicy(config, { log: silent, version: "1.2.3", clock: timing.clock });
  return {
    policy,
    file,
    timing,
    async [Symbol.asyncDispose]() {
      await policy.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

const get = requestOf();
const post = requestOf({ method: "POST" });

describe("the example policy", () => {
  const example = join(import.meta.dirname, "../../../../examples/policy");

  /** Built from a copy in a directory of its own, with files as young as this test. */
  async function buildExample(revision: string): Promise<Buffer> {
    await using directory = await useDirectory();
    await cp(example, join(directory.path, "policy"), { recursive: true });
    const output = join(directory.path, "out/policy.tar.gz");
    await run(join(directory.path, "policy/build.sh"), [output, revision]);
    return await readFile(output);
  }

  test("the same sources give the same bytes, another revision others", async () => {
    const one = await buildExample("7");
    expect((await buildExample("7")).equals(one)).toBe(true);
    expect((await buildExample("8")).equals(one)).toBe(false);
  });

  test("decides as its own tests say, from the fields that it declares", async () => {
    const bytes = await buildExample("7");
    await using setting = await policyOf(bytes, {
      POLICY_BUNDLE_URL: "http://bridge.invalid/bundles/shop.tar.gz",
    });
    const { policy } = setting;
    const as = (token: string, method: string, target: string) =>
      decideNow(
        policy,
        requestOf({ method, target, rawHeaders: ["Authorization", `Bearer ${token}`] }),
        null,
      );
    const allowed = as("alice-token", "PUT", "/orders/7");
    expect(allowed).toMatchObject({
      verdict: {
        kind: "allow",
        requestHeadersToRemove: ["authorization"],
      },
      bundle: { name: "shop.tar.gz", revision: "7" },
      path: "envoy/authz/allow",
      input: {
        attributes: {
          request: { http: { method: "PUT", headers: { authorization: "Bearer alice-token" } } },
        },
        parsed_path: ["orders", "7"],
      },
    });
    expect(allowed.verdict.kind === "allow" && new Map(allowed.verdict.requestHeaders)).toEqual(
      new Map([
        ["x-user", "alice"],
        ["x-roles", "editor,viewer"],
      ]),
    );
    expect(as("bob-token", "PUT", "/orders/7").verdict).toMatchObject({ status: 403 });
    expect(as("nobody", "GET", "/orders").verdict).toMatchObject({
      kind: "deny",
      status: 401,
      headers: [["www-authenticate", "Bearer"]],
      reason: "policy",
    });
    expect(decideNow(policy, requestOf({ target: "/health" }), null).verdict.kind).toBe("allow");
    expect(policy.needs()).toEqual({ bodyBytes: 0, sni: false });
  });
});

describe("without a bundle that can be enforced", () => {
  test("everything is refused, and the status says why", async () => {
    await using setting = await policyOf(null);
    expect(decideNow(setting.policy, get, null)).toMatchObject({
      verdict: { kind: "deny", status: 503, reason: "no_policy" },
      bundle: null,
      input: null,
    });
    expect(setting.policy.status()).toMatchObject({
      bundle: null,
      activatedAt: null,
      sync: { kind: "none", connected: false, error: { code: "bundle_not_found" } },
    });
  });

  test("one that is broken is not taken", async () => {
    await using setting = await policyOf(Buffer.from("x"));
    expect(decideNow(setting.policy, get, null).verdict).toMatchObject({ reason: "no_policy" });
    expect(setting.policy.status().sync.error).toMatchObject({ code: "bundle_invalid" });
  });

  test("one that is not signed is not taken when a key is configured", async () => {
    await using setting = await policyOf(await buildBundle(simpleSources()), {
      POLICY_VERIFICATION_KEY: "secret",
      POLICY_VERIFICATION_ALGORITHM: "HS256",
    });
    expect(setting.policy.status().sync.error).toMatchObject({ code: "bundle_signature" });
  });
});

describe("decisions", () => {
  test("refused by the policy, undefined, failed, and a bad body", async () => {
    const bundle = await buildBundle({
      "authz.rego": `package envoy.authz
allow := false if input.parsed_path[0] == "no"
allow := true if input.parsed_path[0] == "yes"
allow := {"allowed": input.x} if input.parsed_path[0] == "odd"
allow := input.parsed_path if input.parsed_path[0] == "conflict"
allow := 1 if input.parsed_path[0] == "conflict"`,
      ".manifest": JSON.stringify({
        metadata: { bouncer: { input: ["parsed_path", "parsed_body", "parsed_query"] } },
      }),
    });
    await using setting = await policyOf(bundle);
    const { policy } = setting;
    const reasonOf = (target: string, body: string | null = null): string => {
      const rawHeaders = ["Content-Type", "application/json"];
      const bytes = body === null ? null : { bytes: Buffer.from(body), truncated: false };
      const { verdict } = decideNow(policy, requestOf({ target, rawHeaders }), bytes);
      return verdict.kind === "allow" ? "allow" : `${verdict.reason} ${verdict.status}`;
    };
    expect(policy.needs()).toEqual({ bodyBytes: 65_536, sni: false });
    expect(reasonOf("/yes")).toBe("allow");
    expect(reasonOf("/no")).toBe("policy 403");
    expect(reasonOf("/undefined")).toBe("policy_result 403");
    expect(reasonOf("/odd")).toBe("policy_result 403");
    expect(reasonOf("/conflict")).toBe("policy_error 503");
    expect(reasonOf("/yes", "{")).toBe("bad_body 400");
    expect(reasonOf("/yes?a=%")).toBe("ambiguous_request 400");
    expect(reasonOf("/yes")).toBe("allow");
    expect(policy.status().revivals).toBe(1);
  });

  test("1,000 evaluations that fail are 1,000 refusals, and the next decision is right", async () => {
    const bundle = await buildBundle({
      "authz.rego": `package envoy.authz
allow if input.attributes.request.http.method == "GET"
allow := 1 if input.parsed_path[0] == "conflict"`,
    });
    await using setting = await policyOf(bundle);
    const { policy } = setting;
    const conflict = requestOf({ target: "/conflict" });
    for (let count = 0; count < 1000; count += 1) {
      expect(decideNow(policy, conflict, null)).toMatchObject({
        verdict: { reason: "policy_error", status: 503 },
        cached: false,
      });
    }
    expect(decideNow(policy, get, null).verdict.kind).toBe("allow");
    expect(decideNow(policy, post, null).verdict.kind).toBe("deny");
    expect(policy.status().revivals).toBe(1000);
  });
});

function isCached(policy: Policy, request = get): boolean {
  return decideNow(policy, request, null).cached;
}

describe("the cache", () => {
  const sources = {
    ...simpleSources(),
    ".manifest": JSON.stringify({
      revision: "one",
      metadata: { bouncer: { input: ["attributes.request.http.method"] } },
    }),
  };

  async function warmed(env: Parameters<typeof configOf>[0] = {}) {
    const setting = await policyOf(await buildBundle(sources), env);
    for (let count = 0; count < 3; count += 1) decideNow(setting.policy, get, null);
    return setting;
  }

  test("answers what was asked before, by the declared fields only", async () => {
    await using setting = await warmed();
    const { policy } = setting;
    expect(decideNow(policy, requestOf({ target: "/other" }), null)).toMatchObject({
      cached: true,
      evaluationNs: 0,
      verdict: { kind: "allow" },
      result: true,
    });
    expect(isCached(policy, post)).toBe(false);
  });

  test("forgets after CACHE_TTL", async () => {
    await using setting = await warmed({ CACHE_TTL: "5" });
    setting.timing.advance(4999);
    expect(isCached(setting.policy)).toBe(true);
    setting.timing.advance(1);
    expect(isCached(setting.policy)).toBe(false);
  });

  test("is off with CACHE_TTL=0", async () => {
    await using setting = await warmed({ CACHE_TTL: "0" });
    expect(isCached(setting.policy)).toBe(false);
  });

  test("is flushed when the policy changes", async () => {
    await using setting = await warmed();
    const rego = 'package envoy.authz\nallow if input.attributes.request.http.method == "POST"';
    await writeFile(setting.file, await buildBundle({ ...sources, "authz.rego": rego }));
    await setting.policy.refresh();
    expect(decideNow(setting.policy, get, null)).toMatchObject({
      cached: false,
      verdict: { kind: "deny" },
    });
  });
});

describe("a switch", () => {
  test("keeps the last good bundle when the next cannot be enforced", async () => {
    await using setting = await policyOf(await buildBundle(simpleSources("good")));
    await writeFile(setting.file, "broken");
    await setting.policy.refresh();
    expect(setting.policy.status()).toMatchObject({
      bundle: { revision: "good" },
      sync: { error: { code: "bundle_invalid" } },
    });
    expect(decideNow(setting.policy, get, null).verdict.kind).toBe("allow");
    await writeFile(setting.file, await buildBundle(simpleSources("better")));
    await setting.policy.refresh();
    expect(setting.policy.status()).toMatchObject({
      bundle: { revision: "better" },
      sync: { error: null },
    });
  });

  test("while it decides: every decision is of one bundle, old ones first, new ones last", async () => {
    const bundles = await Promise.all(
      ["one", "two", "three"].map((name) =>
        buildBundle({
          ...simpleSources(name),
          "authz.rego":
            'package envoy.authz\nallow := {"allowed": true, "headers": {"x": data.extra}}',
        }),
      ),
    );
    const [first = new Uint8Array(), ...next] = bundles;
    await using setting = await policyOf(first, { CACHE_TTL: "60" });
    const seen: string[] = [];
    const end = new AbortController();
    const deciding = (async () => {
      while (!end.signal.aborted) {
        const { verdict, bundle } = decideNow(setting.policy, get, null);
        const header = verdict.kind === "allow" ? verdict.requestHeaders[0]?.[1] : "refused";
        seen.push(`${header} of ${bundle?.revision}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (const bytes of next) {
      await writeFile(setting.file, bytes);
      await setting.policy.refresh();
    }
    end.abort();
    await deciding;
    const order = seen.filter((answer, at) => answer !== seen[at - 1]);
    expect(order.slice(0, 2)).toEqual(["one of one", "two of two"]);
    expect(new Set(seen).size).toBe(order.length);
    expect(decideNow(setting.policy, get, null).bundle?.revision).toBe("three");
  });

  test("that comes twice at a time ends with the last one", async () => {
    const switched: string[] = [];
    const closed: string[] = [];
    const store = createStore<PreparedSet>({
      names: ["p"],
      requirements: async () => requirements,
      prepare: async (snapshots) => {
        const { identities } = await openSet(snapshots, requirements);
        const close = () => closed.push(identities[0]?.revision ?? "");
        return { identities, revivals: () => 0, close };
      },
      refuseOlder: false,
      maxDeltas: 0,
      now: () => 0,
      onSwitch: ({ prepared }) => switched.push(prepared.identities[0]?.revision ?? ""),
    });
    const [a, b] = await Promise.all([
      buildBundle(simpleSources("a")),
      buildBundle(simpleSources("b")),
    ]);
    const attempts = [a, Buffer.from("x"), b, b].map((bytes) => store.activate(bytes, "p"));
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect(switched).toEqual(["a", "b"]);
    expect(closed).toEqual(["a"]);
  });
});

test("the log names the bundle that was activated and holds no input", async () => {
  await using directory = await useDirectory();
  await writeFile(join(directory.path, "bundle.tar.gz"), await buildBundle(simpleSources("r9")));
  const { log, text } = recordLog();
  const config = configOf({ POLICY_DIRECTORY: directory.path });
  const policy = await createPolicy(config, { log, version: "1" });
  decideNow(policy, requestOf({ rawHeaders: ["Authorization", "Bearer topsecret"] }), null);
  await policy.close();
  expect(text()).toContain('"revision":"r9"');
  expect(text()).not.toContain("topsecret");
});

test.each([
  ["does not say what it reads", {}, true],
  ["declares its input", { metadata: { bouncer: { input: ["parsed_path"] } } }, false],
])("the log warns when a bundle that may read bodies %s", async (_name, manifest, warns) => {
  await using directory = await useDirectory();
  const bundle = await buildBundle({
    "authz.rego":
      'package envoy.authz\nallow := {"allowed": input.parsed_path[0] == "a", "body": "no"}',
    ".manifest": JSON.stringify(manifest),
  });
  await writeFile(join(directory.path, "bundle.tar.gz"), bundle);
  const { log, text } = recordLog();
  const policy = await createPolicy(configOf({ POLICY_DIRECTORY: directory.path }), {
    log,
    version: "1",
  });
  expect(policy.needs().bodyBytes > 0).toBe(warns);
  expect(text().includes("may read bodies")).toBe(warns);
  await policy.close();
});
