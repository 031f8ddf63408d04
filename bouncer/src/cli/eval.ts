/** `bouncer eval`: what a bundle decides about one request, and why. */
import type { Decision, Verdict } from "../policy/decision.ts";
import { createDecider } from "../policy/decide.ts";
import { buildInput, InputDocument, type InputResult } from "../policy/input.ts";
import { pino } from "pino";
import {
  type Arguments,
  chooseFrom,
  type Command,
  exitCode,
  type Output,
  textOf,
} from "./command.ts";
import { CommandFailure, misuse } from "./failure.ts";
import { readText } from "./file.ts";
import { openPolicy, policyOptions, policyUsage } from "./policy.ts";
import { readRequest, requestOptions, requestUsage } from "./request.ts";

const usage = `Usage: bouncer eval -b FILE [options] PATH|URL
       bouncer eval -b FILE [options] --input FILE

Decides one request as a bouncer with this bundle would, and says why.

${policyUsage}
${requestUsage}
      --input FILE               the input document itself, instead of a request ("-" is stdin)
  -o, --output FORMAT            text (default) or json

Exit codes: 0 allowed, 3 refused, 1 it could not be decided, 2 wrong use.
`;

export const evalCommand: Command = {
  name: "eval",
  summary: "decides one request by a bundle, and says why",
  usage,
  options: {
    ...policyOptions,
    ...requestOptions,
    input: { type: "string" },
    output: { type: "string", short: "o" },
  },
  run: async (args, output) => {
    const format = chooseFrom(args, "output", ["text", "json"]);
    const build = await readInput(args);
    const policy = await openPolicy(args, output.note);
    try {
      const decider = createDecider(policy.entrypoint, pino({ level: "silent" }));
      const decision = await decider.decide(policy.set, build);
      report(decision, format, output);
      return decision.verdict.kind === "allow" ? exitCode.yes : exitCode.no;
    } finally {
      await policy.close();
    }
  },
};

type Build = Parameters<ReturnType<typeof createDecider>["decide"]>[1];

async function readInput(args: Arguments): Promise<Build> {
  const [url, ...more] = args.positionals;
  const file = textOf(args, "input");
  if (file !== null) {
    if (url !== undefined) throw misuse("Cannot use --input together with a request");
    const input = parseInput(await readText(file === "-" ? "/dev/stdin" : file), file);
    const document = new InputDocument(JSON.stringify(input));
    return () => document;
  }
  if (url === undefined || more.length > 0) throw misuse("Cannot decide: name one path or URL");
  const { head, body } = await readRequest(args, url);
  const context = { time: () => new Date().toISOString(), id: () => "0" };
  return (plan): InputResult => buildInput(plan, head, body, context);
}

function parseInput(text: string, name: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new CommandFailure(`Cannot use input "${name}": accepted is a JSON object`);
}

function report(decision: Decision, format: "text" | "json", { print }: Output): void {
  const { verdict, result, input, evaluationNs, bundles, path } = decision;
  if (format === "json") {
    const shown = { verdict, result: result ?? null, input, path, bundles, evaluationNs };
    print(`${JSON.stringify(shown, null, 2)}\n`);
    return;
  }
  const lines = [
    ...describeVerdict(verdict),
    `result      ${result === undefined ? "undefined" : JSON.stringify(result)}`,
    `input       ${JSON.stringify(input)}`,
    `decided by  ${path} of ${bundles.map(({ name, revision }) => `${name} (revision "${revision}")`).join(", ")}`,
    `took        ${(evaluationNs / 1e6).toFixed(3)} ms`,
  ];
  print(lines.map((line) => `${line}\n`).join(""));
}

export function describeVerdict(verdict: Verdict): readonly string[] {
  if (verdict.kind === "allow") {
    const { requestHeaders, requestHeadersToRemove, responseHeaders } = verdict;
    return [
      "allowed",
      ...requestHeaders.map(([name, value]) => `  to the application, ${name}: ${value}`),
      ...requestHeadersToRemove.map((name) => `  not to the application, ${name}`),
      ...responseHeaders.map(([name, value]) => `  to the client, ${name}: ${value}`),
    ];
  }
  const { status, reason, detail, headers, body } = verdict;
  return [
    `refused     ${status} ${reason}${detail === null ? "" : `: ${detail}`}`,
    ...headers.map(([name, value]) => `  to the client, ${name}: ${value}`),
    ...(body === null ? [] : [`  to the client, body ${JSON.stringify(body)}`]),
  ];
}
