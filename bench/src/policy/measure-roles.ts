/**
 * Decisions by a policy of roles: what they cost with and without a declaration of inputs and the
 * cache, and how evaluations grow with the number of rules.
 */
import type { RequestHead } from "../../../bouncer/src/policy/decision.ts";
import { type Cost, type Costing, decideEach, measureCosts } from "./cost.ts";
import { startPolicy } from "./decision.ts";
import { loadEngine } from "./engine.ts";
import { buildRequest } from "./policy.ts";
import { buildRoles, buildUnique, type Form } from "./roles.ts";
import { buildSetting } from "./setting.ts";

export interface RolesExtent {
  readonly costing: Costing;
  readonly rules: readonly number[];
}

export const fullRoles: RolesExtent = {
  costing: { warmUps: 30_000, decisions: 20_000, rounds: 9 },
  rules: [10, 100, 1000, 10_000],
};
export const shortRoles: RolesExtent = {
  costing: { warmUps: 10_000, decisions: 5000, rounds: 5 },
  rules: [10, 1000],
};

/** `declared`: the policy gets the fields that its bundle declares; `whole`: it declares nothing. */
export interface RolesMeasured {
  readonly rules: number;
  readonly costs: Readonly<Record<RoleRow, Cost>>;
  readonly growth: readonly Growth[];
}

/** The same request again, or one that nobody has sent before, with the cache on and off. */
export type RoleRow =
  | "engineDeclared"
  | "declared"
  | "rememberedDeclared"
  | "uniqueDeclared"
  | "uniqueDeclaredOff"
  | "engineWhole"
  | "whole"
  | "rememberedWhole"
  | "uniqueWhole"
  | "uniqueWholeOff";

/** Evaluations alone, of the declared input; null: nobody would compile so much. */
export interface Growth {
  readonly rules: number;
  readonly costs: Readonly<Record<Form, Cost | null>>;
}

const maxWritten = 1000;

const rules = 1000;
/** Remembered for longer than any run. */
const longSeconds = 86_400;
/** More than are decided by anyone in a run: then they come again, longer after than any cache keeps. */
const uniqueRequests = 50_000;

export async function measureRoles(
  extent: RolesExtent,
  tell: (line: string) => void,
): Promise<RolesMeasured> {
  const request = buildRequest(true);
  tell(`a policy of ${rules} rules for roles`);
  const costs = await measureRows(request, extent.costing);
  const growth: Growth[] = [];
  for (const count of extent.rules) {
    tell(`  ${count} rules`);
    growth.push(await measureGrowth(request, count, extent.costing));
  }
  return { rules, costs, growth };
}

async function measureRows(
  request: RequestHead,
  costing: Costing,
): Promise<Readonly<Record<RoleRow, Cost>>> {
  using setting = buildSetting(buildRoles("indexed", rules));
  const { folder, whole, declared } = setting;
  const engine = await loadEngine(setting);
  await using wholeOff = await startPolicy(folder, whole, 0);
  await using wholeOn = await startPolicy(folder, whole, longSeconds);
  await using wholeUnique = await startPolicy(folder, whole, longSeconds);
  await using declaredOff = await startPolicy(folder, declared, 0);
  await using declaredOn = await startPolicy(folder, declared, longSeconds);
  await using declaredUnique = await startPolicy(folder, declared, longSeconds);
  const inputOf = async (policy: typeof wholeOff): Promise<string> =>
    JSON.stringify((await policy.decide(request)).input);
  const evaluate = (input: string) => (): void => {
    if (engine.evaluate(input) !== true) throw new Error("not allowed");
  };
  const unique = buildUnique(request, uniqueRequests);
  return measureCosts(
    {
      engineDeclared: evaluate(await inputOf(declaredOff)),
      declared: decideEach(declaredOff, [request]),
      rememberedDeclared: decideEach(declaredOn, [request]),
      uniqueDeclared: decideEach(declaredUnique, unique),
      uniqueDeclaredOff: decideEach(declaredOff, unique),
      engineWhole: evaluate(await inputOf(wholeOff)),
      whole: decideEach(wholeOff, [request]),
      rememberedWhole: decideEach(wholeOn, [request]),
      uniqueWhole: decideEach(wholeUnique, unique),
      uniqueWholeOff: decideEach(wholeOff, unique),
    },
    costing,
  );
}

async function measureGrowth(
  request: RequestHead,
  count: number,
  costing: Costing,
): Promise<Growth> {
  const costOf = async (form: Form): Promise<Cost> => {
    using setting = buildSetting(buildRoles(form, count));
    await using policy = await startPolicy(setting.folder, setting.declared, 0);
    const input = JSON.stringify((await policy.decide(request)).input);
    const engine = await loadEngine(setting);
    const decide = (): void => {
      if (engine.evaluate(input) !== true) throw new Error("not allowed");
    };
    // What is gone through takes as much longer.
    const times = form === "indexed" ? 1 : Math.max(1, count / 10);
    const fewer = (all: number): number => Math.max(20, Math.round(all / times));
    const { warmUps, decisions, rounds } = costing;
    const own = { warmUps: fewer(warmUps), decisions: fewer(decisions), rounds };
    return measureCosts({ decide }, own).decide;
  };
  return {
    rules: count,
    costs: {
      indexed: await costOf("indexed"),
      listed: await costOf("listed"),
      written: count > maxWritten ? null : await costOf("written"),
    },
  };
}
