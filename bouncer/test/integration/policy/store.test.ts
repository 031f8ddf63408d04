import { describe, expect, test } from "vitest";
import { openSet, type Snapshot } from "../../../src/bundle/set.ts";
import { createStore, type StoreOptions } from "../../../src/policy/store.ts";
import { manifest, packEntries, type Sources } from "./opa.ts";
import { requirements } from "./requirements.ts";

async function pack(files: Sources): Promise<Uint8Array> {
  return await packEntries(
    Object.entries(files).map(([name, text]) => ({ header: { name }, body: Buffer.from(text) })),
  );
}

const wasm = [{ entrypoint: "envoy/authz/allow", module: "/policy.wasm" }];
const metadataOf = (serial: number | null) => (serial === null ? {} : { bouncer: { serial } });

/** Nothing here is evaluated. */
async function policyOf(revision: string, serial: number | null = null): Promise<Uint8Array> {
  const declared = manifest({ revision, roots: ["envoy"], wasm, metadata: metadataOf(serial) });
  return await pack({ ".manifest": declared, "policy.wasm": "x" });
}

async function teamsOf(revision: string, roots = ["teams"]): Promise<Uint8Array> {
  return await pack({ ".manifest": manifest({ revision, roots }) });
}

async function deltaOf(revision: string, serial: number | null = null): Promise<Uint8Array> {
  return await pack({
    ".manifest": manifest({ revision, roots: ["envoy"], wasm, metadata: metadataOf(serial) }),
    "patch.json": JSON.stringify({
      data: [{ op: "upsert", path: `/envoy/${revision}`, value: 1 }],
    }),
  });
}

type Set = Awaited<ReturnType<typeof openSet>> & { revivals(): number; close(): void };

function useStore(options: Partial<StoreOptions<Set>> = {}) {
  const kept: string[] = [];
  const closed: string[] = [];
  const store = createStore<Set>({
    names: ["p", "t"],
    requirements: async () => requirements,
    prepare: async (snapshots, rules) => {
      const opened = await openSet(snapshots, rules);
      const close = (): void => {
        closed.push(opened.identities.map(({ revision }) => revision).join("+"));
      };
      return { ...opened, revivals: () => 1, close };
    },
    refuseOlder: false,
    maxDeltas: 2,
    now: () => 7,
    onSwitch: () => undefined,
    onSnapshot: ({ name, deltas }: Snapshot) => kept.push(`${name}${deltas.length}`),
    ...options,
  });
  const active = (): string | null =>
    store
      .active()
      ?.prepared.identities.map(({ revision }) => revision)
      .join("+") ?? null;
  return { store, active, kept, closed };
}

describe("a set of two", () => {
  test("is active when both are there, and stays when one of them is bad", async () => {
    const { store, active, kept, closed } = useStore();
    await store.activate(await teamsOf("t1"), "t");
    expect([active(), store.held("t")?.revision, store.held("p")]).toEqual([null, "t1", null]);
    await store.activate(await policyOf("p1"), "p");
    expect([active(), kept]).toEqual(["p1+t1", ["p0", "t0"]]);
    const bad = [
      store.activate(await teamsOf("t2", ["envoy"]), "t"),
      store.activate(Buffer.from("x"), "p"),
      store.activate(await teamsOf("t2"), "another"),
    ];
    const outcomes = await Promise.allSettled(bad);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect([active(), closed]).toEqual(["p1+t1", []]);
    await store.activate(await teamsOf("t2"), "t");
    expect([active(), closed, store.revivals()]).toEqual(["p1+t2", ["p1+t1"], 2]);
  });

  test("is not active while each is good and both together are not", async () => {
    const { store, active } = useStore();
    await store.activate(await teamsOf("t1", ["envoy"]), "t");
    await expect(policyOf("p1").then((bytes) => store.activate(bytes, "p"))).rejects.toThrow(
      'root "envoy" of "p" and root "envoy" of "t" overlap',
    );
    await store.activate(await teamsOf("t2"), "t");
    await store.activate(await policyOf("p1"), "p");
    expect(active()).toBe("p1+t2");
  });

  test("takes what comes at once one after the other", async () => {
    const { store, active } = useStore();
    const all = await Promise.all([policyOf("p1"), policyOf("p2"), policyOf("p3")]);
    const activations = all.map((bytes) => store.activate(bytes, "p"));
    await store.activate(await teamsOf("t1"), "t");
    await Promise.all(activations);
    expect(active()).toBe("p3+t1");
  });

  test("is left as it is by a bundle that is there already", async () => {
    const { store } = useStore({ names: ["p"] });
    const bytes = await policyOf("p1");
    await store.activate(bytes, "p");
    const before = store.active();
    await store.activate(bytes, "p");
    expect(store.active()).toBe(before);
  });
});

describe("deltas", () => {
  test("are kept with their snapshot, up to a number, and are not persisted", async () => {
    const { store, active, kept } = useStore({ names: ["p"] });
    await expect(deltaOf("d1").then((bytes) => store.activate(bytes, "p"))).rejects.toThrow(
      "there is no snapshot that it could change",
    );
    const snapshot = await policyOf("p1");
    await store.activate(snapshot, "p");
    await store.activate(await deltaOf("d1"), "p");
    const { deltas } = await store.activate(await deltaOf("d2"), "p");
    expect([active(), deltas, kept]).toEqual(["d2", 2, ["p0"]]);
    await expect(deltaOf("d3").then((bytes) => store.activate(bytes, "p"))).rejects.toThrow(
      "there are 2 already, which is the most",
    );
    await store.activate(snapshot, "p");
    expect([active(), store.held("p")?.deltas]).toEqual(["p1", 0]);
  });
});

describe("with POLICY_REFUSE_OLDER", () => {
  const refuseOlder = true;

  test.each<readonly [string, readonly (number | null)[], string]>([
    ["an older one", [5, 4], "its serial is 4, accepted is 5 or more"],
    ["one that is older than the newest that was", [5, 7, 5], "its serial is 5, accepted is 7"],
    ["one that does not say", [null], "has no metadata.bouncer.serial"],
    ["one that no longer says", [5, null], "has no metadata.bouncer.serial"],
  ])("%s is refused", async (_name, serials, message) => {
    const { store } = useStore({ names: ["p"], refuseOlder });
    for (const [at, serial] of serials.slice(0, -1).entries()) {
      await store.activate(await policyOf(`p${at}`, serial), "p");
    }
    const before = store.active();
    const last = await policyOf("last", serials.at(-1) ?? null);
    const failure = await store.activate(last, "p").catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "bundle_older" });
    expect(String(failure)).toContain(message);
    expect(store.active()).toBe(before);
  });

  test("another one of the same age is not", async () => {
    const { store, active } = useStore({ names: ["p"], refuseOlder });
    await store.activate(await policyOf("p1", 5), "p");
    await store.activate(await policyOf("p2", 5), "p");
    expect(active()).toBe("p2");
  });

  test("a delta has to be newer: the same one twice would change the data twice", async () => {
    const { store, active } = useStore({ names: ["p"], refuseOlder });
    await store.activate(await policyOf("p1", 5), "p");
    const delta = await deltaOf("d1", 6);
    await store.activate(delta, "p");
    await expect(store.activate(delta, "p")).rejects.toThrow(
      "its serial is 6, accepted is more than 6",
    );
    await expect(deltaOf("d2").then((bytes) => store.activate(bytes, "p"))).rejects.toThrow(
      "accepted is more than 6",
    );
    expect(active()).toBe("d1");
  });
});
