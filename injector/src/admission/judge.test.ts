import { expect, test } from "vitest";
import { buildSettings } from "../../test/support/context.ts";
import type { Injection, InjectionContext } from "../inject/injection.ts";
import type { Namespace } from "../kube/namespaces.ts";
import { createJudge } from "./judge.ts";
import type { JudgeDeps } from "./judge.ts";

const shop: Namespace = {
  name: "shop",
  labels: { "bouncer-injection": "enabled" },
  annotations: {},
};
const pod = { spec: { containers: [] } };
const services = [{ name: "web", selector: {}, ports: [] }];
const injected: Injection = {
  kind: "inject",
  reason: "injected",
  pod,
  mode: "redirect",
  warnings: [],
};
const skipped: Injection = { kind: "skip", reason: "namespace_not_labelled", message: "" };

function setUp(changed: Partial<JudgeDeps> = {}) {
  const contexts: InjectionContext[] = [];
  const judge = createJudge({
    inject: (_pod, context) => {
      contexts.push(context);
      return context.namespace.labels["bouncer-injection"] === "enabled" ? injected : skipped;
    },
    namespaces: { cached: () => shop, read: async () => shop },
    versions: () => ({ apiServer: "1.34.1", oldestKubelet: null }),
    services: { of: async () => services },
    settings: () => buildSettings(),
    injectorNamespace: "bouncer-system",
    version: "1",
    createAdminToken: () => "t",
    ...changed,
  });
  return { judge, contexts };
}

test("a namespace that the cache knows is not asked for", async () => {
  const { judge, contexts } = setUp({
    namespaces: { cached: () => shop, read: () => Promise.reject(new Error("asked")) },
  });
  expect(await judge.ask(pod, "shop")).toEqual({ injection: injected, namespace: shop });
  expect(contexts).toMatchObject([
    { cluster: { apiServer: "1.34.1", oldestKubelet: null, services: null } },
    { cluster: { apiServer: "1.34.1", oldestKubelet: null, services } },
  ]);
});

test("a pod is judged without Services where these cannot be had", async () => {
  const { judge, contexts } = setUp({ services: { of: async () => null } });
  expect(await judge.ask(pod, "shop")).toEqual({ injection: injected, namespace: shop });
  expect(contexts).toHaveLength(1);
});

test("of a pod that is not injected, nobody asks what Services say", async () => {
  const asked: string[] = [];
  const { judge } = setUp({
    inject: () => skipped,
    services: {
      of: async (name) => {
        asked.push(name);
        return services;
      },
    },
  });
  expect((await judge.ask(pod, "shop")).injection).toEqual(skipped);
  expect(asked).toEqual([]);
});

test("nobody is skipped on the word of the cache alone", async () => {
  const stale = { ...shop, labels: {} };
  const { judge } = setUp({ namespaces: { cached: () => stale, read: async () => shop } });
  expect(await judge.ask(pod, "shop")).toEqual({ injection: injected, namespace: shop });
});

test("a namespace that does not exist is told by its code", async () => {
  const { judge } = setUp({ namespaces: { cached: () => undefined, read: async () => null } });
  await expect(judge.ask(pod, "shop")).rejects.toMatchObject({ code: "namespace_unknown" });
});

test.each(["", "../shop", "Shop", "a".repeat(64), "-"])(
  "a pod of no namespace is not taken for one that nobody labelled: %j",
  async (name) => {
    const { judge, contexts } = setUp();
    await expect(judge.ask(pod, name)).rejects.toMatchObject({ code: "request_unexpected" });
    expect(contexts).toEqual([]);
  },
);

test("a namespace that is at hand is judged at once", () => {
  const { judge, contexts } = setUp();
  expect(judge.judge(pod, shop)).toEqual(injected);
  expect(contexts).toMatchObject([{ cluster: { services: null } }]);
});
