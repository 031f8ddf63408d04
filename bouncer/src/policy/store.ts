/**
 * The bundle that is enforced now. A new one is opened, compiled and warmed up beside it, then
 * takes its place in one step; whatever fails on the way leaves it as it is.
 */
import { setImmediate } from "node:timers/promises";
import { AppError } from "../errors.ts";
import { type Bundle, type BundleRequirements, hashBundle, openBundle } from "../bundle/bundle.ts";
import type { BundleIdentity } from "./decision.ts";
import { createEngine, type Engine } from "../rego/engine.ts";
import { buildInput, type InputPlan, planInput } from "./input.ts";

export interface Active {
  readonly identity: BundleIdentity;
  readonly engine: Engine;
  readonly plan: InputPlan;
  readonly activatedAt: number;
}

/** Opens a bundle as far as it can be checked without traffic; throws AppError. */
export async function loadBundle(
  bytes: Uint8Array,
  requirements: BundleRequirements,
): Promise<{ readonly bundle: Bundle; readonly engine: Engine; readonly plan: InputPlan }> {
  const bundle = await openBundle(bytes, requirements);
  const planned = planInput(bundle.manifest.inputFields);
  if (planned.kind === "unknown") {
    throw new AppError(
      "bundle_invalid",
      `Cannot read .manifest: metadata.bouncer.input has "${planned.field}", accepted are ${planned.known.join(", ")}`,
    );
  }
  const { wasm, data } = bundle;
  const engine = await createEngine({ wasm, data, entrypoint: requirements.decisionPath });
  return { bundle, engine, plan: planned.plan };
}

const warmUp = { rounds: 40, evaluations: 25 } as const;

/**
 * Lets the compiler see the policy at work, so that the first requests are not the slow ones; in
 * small rounds, because the event loop serves requests meanwhile. Stops at the first error: to a
 * made-up request, a sound policy may answer with one.
 */
async function warm(engine: Engine, plan: InputPlan): Promise<void> {
  const endpoint = { address: "192.0.2.1", port: 1 };
  const head = {
    method: "GET",
    target: "/",
    protocol: "HTTP/1.1",
    scheme: "http",
    host: "warm-up.invalid",
    rawHeaders: ["Authorization", "Bearer warm-up"],
    source: endpoint,
    destination: endpoint,
  } as const;
  const context = { time: () => new Date(0).toISOString(), id: () => "warm-up" };
  const built = buildInput(plan, head, null, context);
  if (built.kind !== "input") return;
  const input = JSON.stringify(built.input);
  for (let round = 0; round < warmUp.rounds; round += 1) {
    for (let count = 0; count < warmUp.evaluations; count += 1) {
      if (engine.evaluate(input).kind === "error") return;
    }
    await setImmediate();
  }
}

export interface Store {
  active(): Active | null;
  /** One at a time, in the order of the calls. Throws AppError; then nothing has changed. */
  activate(bytes: Uint8Array, name: string): Promise<BundleIdentity>;
  /** Instances replaced after a throw, over all bundles. */
  revivals(): number;
}

export interface StoreOptions {
  readonly requirements: BundleRequirements;
  readonly now: () => number;
  readonly onSwitch: (active: Active) => void;
}

export function createStore(options: StoreOptions): Store {
  let active: Active | null = null;
  let pastRevivals = 0;
  let queue: Promise<unknown> = Promise.resolve();

  async function replace(bytes: Uint8Array, name: string): Promise<BundleIdentity> {
    const sha256 = hashBundle(bytes);
    if (active?.identity.sha256 === sha256) return active.identity;
    const { bundle, engine, plan } = await loadBundle(bytes, options.requirements);
    const identity = { name, revision: bundle.manifest.revision, sha256 };
    await warm(engine, plan);
    // The warm-up's own are no failures of requests.
    pastRevivals += (active?.engine.revivals() ?? 0) - engine.revivals();
    active = { identity, engine, plan, activatedAt: options.now() };
    options.onSwitch(active);
    return identity;
  }

  return {
    active: () => active,
    activate(bytes, name) {
      const next = queue.then(
        () => replace(bytes, name),
        () => replace(bytes, name),
      );
      queue = next.catch(() => undefined);
      return next;
    },
    revivals: () => pastRevivals + (active?.engine.revivals() ?? 0),
  };
}
