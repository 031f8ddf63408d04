/** Whether what our engine answers to a case is what OPA's case wants. Pure. */
import { RegoNumber } from "../../bouncer/src/rego/number.ts";
import { parseJson, parseTerm, printJson, printTerm } from "../../bouncer/src/rego/term.ts";
import {
  compare,
  isArray,
  keyOf,
  RegoObject,
  RegoSet,
  type Value,
} from "../../bouncer/src/rego/value.ts";
import type { Case } from "./cases.ts";

export type Answer =
  /** The set of all bindings, as a term. */
  | { readonly kind: "term"; readonly text: string }
  | { readonly kind: "error"; readonly message: string }
  /** The policy needs built-ins that we do not have. */
  | { readonly kind: "missing"; readonly names: readonly string[] };

/** null: it is what the case wants. */
export type Complaint = string | null;

export function judge(wanted: Case, answer: Answer): Complaint {
  if (answer.kind === "missing") return `built-ins are missing: ${answer.names.join(", ")}`;
  const wantsError = wanted.wantCode !== undefined || wanted.wantError !== undefined;
  if (wantsError && !wanted.strictError) return judgeError(wanted, answer);
  if (answer.kind === "error") return `error: ${answer.message}`;
  const bindings = parseTerm(answer.text);
  if (!(bindings instanceof RegoSet)) return `not a set of bindings: ${answer.text}`;
  if (wanted.wantDefined !== undefined) {
    const isDefined = bindings.size > 0;
    return isDefined === wanted.wantDefined ? null : describe(`defined: ${!isDefined}`, bindings);
  }
  return judgeResult(wanted, bindings);
}

/** Wasm has two texts for conflicts, where OPA's evaluator in Go has many and a code. */
function judgeError({ wantCode, wantError = "" }: Case, answer: Answer): Complaint {
  const want = `error ${wantCode ?? ""} ${wantError}`;
  if (answer.kind !== "error") return describe(want, answer.kind === "term" ? answer.text : "");
  const isConflict = /(?:var assignment|object insert) conflict/.test(answer.message);
  const isWanted =
    wantCode === undefined
      ? answer.message.includes(wantError)
      : wantCode === "eval_conflict_error" && isConflict;
  return isWanted ? null : describe(want, answer.message);
}

/** Without strict errors a built-in's error is undefined, unless the case names a result as well. */
function judgeResult(wanted: Case, bindings: RegoSet): Complaint {
  const rows = parseJson(wanted.wantResult ?? "[]");
  if (!isArray(rows)) return `the case wants no list: ${wanted.wantResult}`;
  const [want, got] = [rows, [...bindings]].map((all) => normalize(all, wanted));
  if (want === undefined || got === undefined || keyOf(want) === keyOf(got)) return null;
  return describe(printTerm(want), got);
}

function normalize(rows: readonly Value[], wanted: Case): RegoSet {
  return new RegoSet(
    rows.map((row) => {
      // The cases are written in JSON: sets are arrays there.
      const json = parseJson(printJson(row));
      const members = json instanceof RegoObject ? [...json] : [];
      return new RegoObject(
        members
          .filter(([name]) => !(wanted.ignoreGenerated && isGenerated(name)))
          .map(([name, value]) => [name, normalizeBinding(value, wanted)] as const),
      );
    }),
  );
}

function isGenerated(name: Value): boolean {
  return typeof name === "string" && name.startsWith("__localq");
}

function normalizeBinding(value: Value, { set, sortBindings }: Case): Value {
  // OPA's Wasm cases were written for hosts that see JSON: doubles, and sets in any order.
  if (set === "wasm") return loosen(value);
  return sortBindings && isArray(value) ? value.toSorted(compare) : value;
}

function loosen(value: Value): Value {
  if (value instanceof RegoNumber) return RegoNumber.of(value.toNumber());
  if (isArray(value)) return value.map(loosen).toSorted(compare);
  if (value instanceof RegoObject) {
    return new RegoObject([...value].map(([key, member]) => [key, loosen(member)] as const));
  }
  return value;
}

function describe(want: string, got: Value | string): string {
  return `want ${want}\n      got  ${typeof got === "string" ? got : printTerm(got)}`;
}
