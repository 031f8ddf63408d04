/** `bouncer replay`: recorded decisions asked of another bundle, and what would change. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { pino } from "pino";
import { createDecider } from "../policy/decide.ts";
import { InputDocument } from "../policy/input.ts";
import { createChanges, type Changes } from "./changes.ts";
import { chooseFrom, type Command, exitCode } from "./command.ts";
import { CommandFailure, misuse } from "./failure.ts";
import { openPolicy, type PolicyFile, policyOptions, policyUsage } from "./policy.ts";
import { readRecord } from "./recorded.ts";

const usage = `Usage: bouncer replay -b FILE [options] LOG...

Asks a bundle again what audit logs have recorded ("-" is stdin; lines that are no decisions are
passed over), and lists what it would decide differently.

${policyUsage}
  -o, --output FORMAT            text (default) or json

What was masked or erased in the log cannot be asked in full: such decisions are compared, counted
apart, and marked with * where they change.

Exit codes: 0 nothing would change, 3 something would, 1 it could not be asked, 2 wrong use.
`;

export const replayCommand: Command = {
  name: "replay",
  summary: "asks a bundle again what audit logs have recorded, and lists what would change",
  usage,
  options: { ...policyOptions, output: { type: "string", short: "o" } },
  run: async (args, { print, note }) => {
    const format = chooseFrom(args, "output", ["text", "json"]);
    if (args.positionals.length === 0) throw misuse("Cannot replay nothing: name audit logs, or -");
    const policy = await openPolicy(args, note);
    try {
      const changes = createChanges();
      for (const path of args.positionals) await replay(path, policy, changes);
      print(
        format === "json" ? `${JSON.stringify(changes.summary(), null, 2)}\n` : changes.render(),
      );
      return changes.summary().changed === 0 ? exitCode.yes : exitCode.no;
    } finally {
      await policy.close();
    }
  },
};

async function replay(path: string, policy: PolicyFile, changes: Changes): Promise<void> {
  const decider = createDecider(policy.entrypoint, pino({ level: "silent" }));
  const input = path === "-" ? process.stdin : createReadStream(path);
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const record = readRecord(line);
      if (record.kind !== "decision") {
        changes.pass(record.kind);
        continue;
      }
      const document = new InputDocument(JSON.stringify(record.input));
      const decision = await decider.decide(policy.set, () => document);
      changes.add(record, decision);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(`Cannot read "${path}": ${reason}`);
  }
}
