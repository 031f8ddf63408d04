/**
 * Calls of built-ins, answered by the real `opa eval`, all of them in one run, and by ours. The
 * answers are compared as terms, so that sets, keys of any type and big numbers count.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as fc from "fast-check";
import { type Builtin, BuiltinError, Operands, type Query } from "../../../src/rego/builtin.ts";
import { findBuiltins } from "../../../src/rego/registry.ts";
import { parseTerm, printTerm } from "../../../src/rego/term.ts";
import { isArray, keyOf, type Value } from "../../../src/rego/value.ts";

const run = promisify(execFile);

/** A call and its operands: `["semver.compare", "1.2.3", "2.0.0"]`. */
export type BuiltinCall = readonly [name: string, ...operands: readonly Value[]];

/**
 * One line for each call that is not answered as OPA does: the call, OPA's answer, ours. An error
 * of a call is undefined, as in OPA without strict errors. `query` makes the query of each call.
 */
export async function compareWithOpa(
  calls: readonly BuiltinCall[],
  query: () => Query = createQuery,
): Promise<readonly string[]> {
  const names = [...new Set(calls.map(([name]) => name))];
  const { builtins, missing } = await findBuiltins(names);
  if (missing.length > 0) throw new Error(`no such built-in here: ${missing.join(", ")}`);
  const expected = await askOpa(calls);
  const differences: string[] = [];
  for (const [index, call] of calls.entries()) {
    const theirs = print(expected.get(index));
    const ours = answerHere(builtins.get(call[0]), call.slice(1), query());
    if (theirs.key !== ours.key) {
      differences.push(`${printCall(call)}\n    OPA: ${theirs.text}\n    we:  ${ours.text}`);
    }
  }
  return differences;
}

/** Calls of one built-in, with operands drawn from `operands`: the same ones at every run. */
export function sampleCalls(
  name: string,
  operands: fc.Arbitrary<readonly Value[]>,
  count: number,
): readonly BuiltinCall[] {
  return sample(operands, count).map((values) => [name, ...values] as const);
}

/** `DIFFERENTIAL_SEED` looks at others than the usual ones; it is printed when it is set. */
export function sample<T>(arbitrary: fc.Arbitrary<T>, count: number): readonly T[] {
  return fc.sample(arbitrary, { numRuns: count, seed });
}

const seed = Number(process.env["DIFFERENTIAL_SEED"] ?? "20261121");
if (process.env["DIFFERENTIAL_SEED"] !== undefined) {
  process.stderr.write(`DIFFERENTIAL_SEED=${seed}\n`);
}

/** What OPA answers to each call, by its index; none where the answer is undefined. */
export async function askOpa(calls: readonly BuiltinCall[]): Promise<ReadonlyMap<number, Value>> {
  const folder = await mkdtemp(join(tmpdir(), "bouncer-differential-"));
  try {
    const module = join(folder, "calls.rego");
    await writeFile(module, `package calls\n\n${calls.map(writeRule).join("\n")}\n`);
    const { stdout } = await run(
      "opa",
      ["eval", "--v0-compatible", "--format", "raw", "--data", module, "data.calls.answers"],
      { maxBuffer: 2 ** 30 },
    );
    const answers: unknown = JSON.parse(stdout);
    if (!Array.isArray(answers)) throw new Error(`opa answered ${stdout.slice(0, 200)}`);
    return new Map(answers.map(readAnswer));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * The operands come as input, whose type the compiler does not know: else it would refuse calls
 * with operands of a wrong type. In the syntax of Rego v0, which has those of its built-ins as well
 * that v1 has not. Printed inside an array, strings keep their quotes.
 */
function writeRule([name, ...operands]: BuiltinCall, index: number): string {
  const call = `${name}(${operands.map((_, at) => `input[${at}]`).join(", ")})`;
  // A byte order mark may be in a string, but not in the text of a module.
  const input = printTerm(operands).replaceAll("\u{feff}", "\\ufeff");
  return `answers[[${index}, text]] { x := ${call} with input as ${input}; text := sprintf("%v", [[x]]) }`;
}

function readAnswer(answer: unknown): readonly [number, Value] {
  const pair: readonly unknown[] = Array.isArray(answer) ? answer : [];
  const [index, text] = pair;
  if (typeof index !== "number" || typeof text !== "string") throw new Error("not an answer");
  const term = parseTerm(fromGoQuotes(text));
  const value: Value | undefined = isArray(term) ? term[0] : undefined;
  if (value === undefined) throw new Error(`no answer in ${text}`);
  return [index, value];
}

/** Terms as OPA prints them have strings with Go's escapes, some of which JSON does not know. */
function fromGoQuotes(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-f]{2})|U([0-9a-f]{8})|([^xU]))/g,
    (escape, byte?: string, point?: string, other?: string) => {
      if (byte !== undefined) return Number.parseInt(byte, 16) < 0x80 ? `\\u00${byte}` : "\u{FFFD}";
      if (point !== undefined) return String.fromCodePoint(Number.parseInt(point, 16));
      return other === "a" ? "\\u0007" : other === "v" ? "\\u000b" : escape;
    },
  );
}

interface Answer {
  readonly key: string;
  readonly text: string;
}

function print(value: Value | undefined): Answer {
  if (value === undefined) return { key: "undefined", text: "undefined" };
  return { key: `= ${keyOf(value)}`, text: printTerm(value) };
}

function answerHere(builtin: Builtin | undefined, values: readonly Value[], query: Query): Answer {
  try {
    return print(builtin?.(new Operands(values), query));
  } catch (error) {
    if (error instanceof BuiltinError)
      return { key: "undefined", text: `undefined: ${error.message}` };
    return { key: "thrown", text: `throws ${String(error)}` };
  }
}

function printCall([name, ...operands]: BuiltinCall): string {
  return `${name}(${operands.map(printTerm).join(", ")})`;
}

/** 2026-03-01T12:34:56.789Z, as nanoseconds. */
export const fixedNow = 1_772_368_496_789_000_000n;

/** A query at a fixed time, with the same random bytes each time, without a network. */
export function createQuery(): Query {
  let drawn = 0;
  return {
    now: () => fixedNow,
    random: (count) => {
      const bytes = new Uint8Array(count);
      for (let at = 0; at < count; at += 32) {
        drawn += 1;
        const block = createHash("sha256").update(String(drawn)).digest();
        bytes.set(block.subarray(0, Math.min(32, count - at)), at);
      }
      return bytes;
    },
    answer: () => undefined,
    checkTime: () => undefined,
    memory: new Map(),
  };
}
