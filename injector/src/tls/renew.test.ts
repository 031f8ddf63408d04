/** Certificates in memory: real keys, a stand-in for the API, replicas in any order. */
import { isIssuedBy, keyMatches, parseBundle, parseCertificate } from "bouncer-certs/certificate";
import { createIdentity } from "bouncer-certs/key-pair";
import type { Identity } from "bouncer-certs/key-pair";
import { rotationPolicy } from "bouncer-certs/rotation";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { StoredSecret } from "../kube/secrets.ts";
import { createLog } from "../telemetry/log.ts";
import type { PatchOperation, WebhookEntry } from "./ca-bundle.ts";
import { createCertificates } from "./certificates.ts";
import type { ServingCertificate } from "./certificates.ts";
import { sameData } from "./material.ts";
import type { SecretData } from "./material.ts";
import { renewMaterial } from "./renew.ts";
import type { RenewDeps } from "./renew.ts";

const start = Date.UTC(2026, 10, 21);
const names = ["injector.system.svc"] as const;
let pool: readonly Identity[];
let taken = 0;

/** Keys are slow to make: a few are enough, with serials that differ. */
beforeAll(async () => {
  pool = await Promise.all(Array.from({ length: 8 }, () => createIdentity(2048)));
});

const deps: RenewDeps = {
  now: () => start,
  policy: rotationPolicy,
  createIdentity: async () => {
    const identity = pool[taken % pool.length];
    taken += 1;
    if (identity === undefined) throw new Error("the pool is empty");
    return { ...identity, serial: `4${taken.toString(16).padStart(5, "0")}` };
  },
};

const renew = (data: SecretData) => renewMaterial(data, names, deps);

describe("renewMaterial", () => {
  test("fills an empty Secret", async () => {
    const { data, changes } = await renew({});
    const serving = data["tls.crt"] ?? "";
    expect(isIssuedBy(serving, data["ca.crt"] ?? "")).toBe(true);
    expect(keyMatches(serving, data["tls.key"] ?? "")).toBe(true);
    expect(parseCertificate(serving)?.dnsNames).toEqual(names);
    expect(changes.map(({ kind }) => kind)).toEqual(["authority_issued", "certificate_issued"]);
  });

  test("leaves good content as it is", async () => {
    const { data } = await renew({});
    const again = await renew(data);
    expect(again.changes).toEqual([]);
    expect(sameData(data, again.data)).toBe(true);
  });

  test.each([
    { what: "no authority", change: { "ca.crt": "" }, issued: 2 },
    { what: "no authority's key", change: { "ca.key": "" }, issued: 2 },
    { what: "an authority that is no certificate", change: { "ca.crt": "x" }, issued: 2 },
    { what: "no certificate", change: { "tls.crt": "" }, issued: 1 },
    { what: "a certificate that is none", change: { "tls.crt": "x" }, issued: 1 },
    { what: "no key", change: { "tls.key": "" }, issued: 1 },
    { what: "a key that is none", change: { "tls.key": "x" }, issued: 1 },
  ])("repairs a Secret with $what", async ({ change, issued }) => {
    const { data } = await renew({});
    const repaired = await renew({ ...data, ...change });
    expect(repaired.changes.filter(({ kind }) => kind.endsWith("_issued"))).toHaveLength(issued);
    expect((await renew(repaired.data)).changes).toEqual([]);
  });

  test("gives a certificate that lacks a name a new one", async () => {
    const { data } = await renew({});
    const wanted = [...names, "injector"] as const;
    const { changes } = await renewMaterial(data, wanted, deps);
    expect(changes).toEqual([{ kind: "certificate_issued", reason: "other_names" }]);
  });
});

/** Secrets and webhook as the API server keeps them, with resourceVersions and `test` operations. */
function createStore() {
  const stored = new Map<string, StoredSecret>(
    ["injector", "bridge"].map((name) => [name, { resourceVersion: "0", data: {} }]),
  );
  let entry: WebhookEntry = { name: "w", caBundle: undefined };
  let version = 0;
  const find = (name: string): StoredSecret => {
    const secret = stored.get(name);
    if (secret === undefined) throw new Error(name);
    return secret;
  };
  return {
    find,
    trusted: () => Buffer.from(entry.caBundle ?? "", "base64").toString(),
    secrets: {
      read: async (name: string) => find(name),
      write: async (name: string, next: StoredSecret) => {
        if (find(name).resourceVersion !== next.resourceVersion) return "conflict" as const;
        version += 1;
        stored.set(name, { resourceVersion: String(version), data: next.data });
        return "written" as const;
      },
    },
    webhook: {
      read: async () => [entry],
      patch: async (operations: readonly PatchOperation[]) => {
        const tested = operations.find(
          ({ op, path }) => op === "test" && path.endsWith("caBundle"),
        );
        if (tested !== undefined && tested.value !== entry.caBundle) return "conflict" as const;
        entry = { ...entry, caBundle: operations.at(-1)?.value };
        return "written" as const;
      },
    },
  };
}

/** Lets the callers of a port wait until the scheduler picks one of them. */
function scheduled<T extends object>(scheduler: fc.Scheduler, port: T): T {
  return new Proxy(port, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      return async (...args: unknown[]): Promise<unknown> => {
        await scheduler.schedule(Promise.resolve());
        return Reflect.apply(method, target, args) as unknown;
      };
    },
  });
}

test("replicas that start at once agree, in whatever order their calls reach the API", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 3 }), async (scheduler, count) => {
      const store = createStore();
      const replicas = Array.from({ length: count }, () => {
        const served: ServingCertificate[] = [];
        const certificates = createCertificates({
          ...deps,
          secrets: scheduled(scheduler, store.secrets),
          webhook: scheduled(scheduler, store.webhook),
          serving: { secret: "injector", dnsNames: names },
          bridge: { secret: "bridge", dnsNames: ["bridge.system.svc"] },
          serve: (certificate) => served.push(certificate),
          log: createLog("fatal"),
        });
        return { certificates, served };
      });
      const passes = Promise.all(replicas.map(({ certificates }) => certificates.reconcile()));
      await scheduler.waitFor(passes);

      const { data } = store.find("injector");
      expect(parseBundle(data["ca.crt"] ?? "")).toHaveLength(1);
      expect(store.trusted()).toBe(data["ca.crt"]);
      const expected = { cert: data["tls.crt"], key: data["tls.key"] };
      for (const { served, certificates } of replicas) {
        expect(served).toEqual([expected]);
        expect(certificates.bundle()).toBe(data["ca.crt"]);
        expect(certificates.status()).toMatchObject({ caBundleInSync: true, error: null });
      }
      expect(isIssuedBy(store.find("bridge").data["tls.crt"] ?? "", data["ca.crt"] ?? "")).toBe(
        true,
      );
    }),
    { numRuns: 15 },
  );
}, 60_000);
