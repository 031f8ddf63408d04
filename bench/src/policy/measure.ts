/** What is measured, in which order, and what comes of it. Latencies are microseconds. */
import { setTimeout } from "node:timers/promises";
import { type Percentiles, percentilesOf } from "../load/percentiles.ts";
import { decideOften, decidePaced, startPolicy } from "./decision.ts";
import { loadEngine } from "./engine.ts";
import {
  fullRoles,
  measureRoles,
  type RolesExtent,
  type RolesMeasured,
  shortRoles,
} from "./measure-roles.ts";
import { askOften, benchOpa, type GoEvaluation, startFloor, startOpa } from "./peers.ts";
import { buildRequest } from "./policy.ts";
import { createSetting, type Setting } from "./setting.ts";

export const dataSizes = [16 * 1024, 1024 ** 2, 10 * 1024 ** 2] as const;

export interface Extent {
  /** All that is compared takes turns, so that what disturbs one disturbs latencies. */
  readonly rounds: number;
  readonly evaluations: number;
  readonly requests: number;
  readonly switches: number;
  readonly dataSizes: readonly number[];
  readonly roles: RolesExtent;
}

export const full: Extent = {
  rounds: 3,
  evaluations: 20_000,
  requests: 2000,
  switches: 10,
  dataSizes,
  roles: fullRoles,
};
export const short: Extent = {
  rounds: 1,
  evaluations: 5000,
  requests: 500,
  switches: 3,
  dataSizes: dataSizes.slice(0, 2),
  roles: shortRoles,
};

export interface Measured {
  readonly dataBytes: number;
  /** Bytes of JSON that every evaluation gets. */
  readonly inputBytes: number;
  /** The evaluation alone, of a policy that decodes a token by a call into the host. */
  readonly engine: Percentiles;
  readonly opaBench: GoEvaluation;
  /** The same policy without that call: all of it is Wasm. */
  readonly native: { readonly engine: Percentiles; readonly opaBench: GoEvaluation };
  /** Over REST on the loopback; `floor`: a server that decides nothing. */
  readonly opaServer: Percentiles;
  readonly floor: Percentiles;
  /** From the head of a request to the verdict, nothing remembered: with the whole input, and with what the bundle declares. */
  readonly whole: Percentiles;
  readonly declared: Percentiles;
  /** The same decision again. */
  readonly cached: Percentiles;
  readonly wasmMiB: number;
  readonly opaMiB: number;
  /** Until a policy that is there in bytes can be asked. */
  readonly loadMs: number;
}

/** Decisions while another bundle takes the place of the active one, and when none does. */
export interface Switch {
  readonly dataBytes: number;
  readonly switches: number;
  readonly switchMs: number;
  readonly during: Percentiles;
  readonly quiet: Percentiles;
}

export interface Measurement {
  readonly roles: RolesMeasured;
  readonly sizes: readonly Measured[];
  readonly switches: readonly Switch[];
}

type Asked = "whole" | "declared" | "cached";

const warmUps = 3000;
/** Remembered for longer than any run. */
const longSeconds = 86_400;

export async function measure(extent: Extent, tell: (line: string) => void): Promise<Measurement> {
  const roles = await measureRoles(extent.roles, tell);
  const sizes: Measured[] = [];
  const switches: Switch[] = [];
  for (const size of extent.dataSizes) {
    tell(`${Math.round(size / 1024)} KiB of data: opa builds the bundles`);
    using setting = createSetting(size, "token");
    using native = createSetting(size, "headers");
    sizes.push(await measureSize({ setting, native }, extent, tell));
    tell("  switches of the bundle");
    switches.push(await measureSwitch(setting, extent));
  }
  return { roles, sizes, switches };
}

interface Settings {
  readonly setting: Setting;
  readonly native: Setting;
}

async function measureSize(
  { setting, native }: Settings,
  { rounds, evaluations, requests }: Extent,
  tell: (line: string) => void,
): Promise<Measured> {
  const request = buildRequest(true);
  const engine = await loadEngine(setting);
  const nativeEngine = await loadEngine(native);
  await using whole = await startPolicy(setting.folder, setting.whole, 0);
  await using declared = await startPolicy(setting.folder, setting.declared, 0);
  await using cached = await startPolicy(setting.folder, setting.declared, longSeconds);
  const input = JSON.stringify((await whole.decide(request)).input);
  await using opa = await startOpa(setting);
  const { answer } = await askOften(opa, input, 1);
  checkSame(engine.evaluate(input), answer);
  await using floor = await startFloor(answer);
  checkSame(nativeEngine.evaluate(input), answer);
  for (const one of [engine, nativeEngine]) one.measure(input, warmUps);
  for (const policy of [whole, declared, cached]) await decideOften(policy, request, warmUps);
  for (const server of [opa, floor]) await askOften(server, input, requests);

  const latencies: Record<"engine" | "native" | "opaServer" | "floor" | Asked, number[]> = {
    engine: [],
    native: [],
    opaServer: [],
    floor: [],
    whole: [],
    declared: [],
    cached: [],
  };
  const go: GoEvaluation[] = [];
  const nativeGo: GoEvaluation[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    tell(`  round ${round} of ${rounds}`);
    latencies.engine.push(...engine.measure(input, evaluations));
    latencies.native.push(...nativeEngine.measure(input, evaluations));
    go.push(await benchOpa(setting, input));
    nativeGo.push(await benchOpa(native, input));
    latencies.opaServer.push(...(await askOften(opa, input, requests)).latenciesUs);
    latencies.floor.push(...(await askOften(floor, input, requests)).latenciesUs);
    latencies.whole.push(...(await decideOften(whole, request, evaluations)));
    latencies.declared.push(...(await decideOften(declared, request, evaluations)));
    latencies.cached.push(...(await decideOften(cached, request, evaluations)));
  }
  return {
    dataBytes: setting.data.byteLength,
    inputBytes: Buffer.byteLength(input),
    engine: percentilesOf(latencies.engine),
    opaBench: middleOf(go),
    native: { engine: percentilesOf(latencies.native), opaBench: middleOf(nativeGo) },
    opaServer: percentilesOf(latencies.opaServer),
    floor: percentilesOf(latencies.floor),
    whole: percentilesOf(latencies.whole),
    declared: percentilesOf(latencies.declared),
    cached: percentilesOf(latencies.cached),
    wasmMiB: engine.memoryMiB,
    opaMiB: opa.memoryMiB() ?? Number.NaN,
    loadMs: engine.loadMs,
  };
}

/** A comparison of two that decide differently would say nothing. */
function checkSame(ours: unknown, answer: string): void {
  const { result } = JSON.parse(answer) as { readonly result: unknown };
  const [one, other] = [ours, result].map((value) => JSON.stringify(sortKeys(value)));
  if (one !== other) throw new Error(`opa decides ${other}, we decide ${one}`);
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, sortKeys(member)] as const);
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

const middle = (values: readonly number[]): number => percentilesOf(values).p50;

function middleOf(rounds: readonly GoEvaluation[]): GoEvaluation {
  return { p50: middle(rounds.map(({ p50 }) => p50)), p99: middle(rounds.map(({ p99 }) => p99)) };
}

async function measureSwitch(setting: Setting, { switches }: Extent): Promise<Switch> {
  const request = buildRequest(true);
  // Nothing remembered: each decision is an evaluation, before and after the switch.
  await using policy = await startPolicy(setting.folder, setting.declared, 0);
  await decideOften(policy, request, warmUps);
  const during: number[] = [];
  const quiet: number[] = [];
  let switchMs = 0;
  for (let round = 0; round < switches; round += 1) {
    const next = round % 2 === 0 ? setting.next : setting.declared;
    const start = performance.now();
    during.push(...(await decidePaced(policy, request, policy.replace(next))));
    const tookMs = performance.now() - start;
    quiet.push(...(await decidePaced(policy, request, setTimeout(tookMs))));
    switchMs += tookMs;
  }
  return {
    dataBytes: setting.data.byteLength,
    switches,
    switchMs: switchMs / switches,
    during: percentilesOf(during),
    quiet: percentilesOf(quiet),
  };
}
