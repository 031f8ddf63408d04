/** Environment of `bouncer redirect`, parsed once; every problem is reported. Pure. */
import {
  type Environment,
  type Reading,
  readTable,
  required,
  type Values,
  variable,
} from "bouncer-environment/table";
import * as v from "valibot";
import { cidrs, listeners } from "../config/value.ts";
import { redirectEnvironment } from "../contract.ts";
import { isAmong, portRanges } from "./ports.ts";
import { type Source, toSource } from "./source.ts";

/** Each block once, however it was written. */
const sources = v.pipe(
  v.string(),
  v.transform((text) => (text === "" ? null : text)),
  v.nullable(cidrs),
  v.transform((blocks): readonly Source[] => {
    const found = (blocks ?? []).map(toSource);
    return [...new Map(found.map((source) => [source.block, source])).values()];
  }),
);

export const redirectTable = {
  listeners: required(redirectEnvironment.listeners, listeners, {
    accepts: "`none`, or a comma-separated list of `port:targetPort`, each port listened on once",
    doc: "The ports of the bouncer and the application's port behind each.",
  }),
  openPorts: variable(redirectEnvironment.openPorts, "", portRanges, {
    accepts: "a comma-separated list of ports from 1 to 65535 and ranges such as `8000-8010`",
    doc: "TCP ports that are let through as they are.",
  }),
  unlistedPorts: variable(
    redirectEnvironment.unlistedPorts,
    "deny",
    v.picklist(["deny", "allow"]),
    {
      accepts: "`deny` or `allow`",
      doc: "What happens to TCP ports that are neither an application's nor open.",
    },
  ),
  excludedSources: variable(redirectEnvironment.excludedSources, "", sources, {
    accepts: "a comma-separated list of IP addresses and CIDR blocks of either family",
    doc: "Connections from there are let through as they are, to every port, and nobody decides on them.",
  }),
};

export type RedirectSettings = Values<typeof redirectTable>;

export function parseRedirectSettings(env: Environment): Reading<RedirectSettings> {
  const read = readTable(redirectTable, env);
  if (read.kind === "invalid") return read;
  const problems = findContradictions(read.config);
  return problems.length === 0 ? read : { kind: "invalid", problems };
}

/** Ports that would be decided in two ways: the rules are only right without them. */
function findContradictions({ listeners: all, openPorts }: RedirectSettings): string[] {
  const targets = all.map((listener) => listener.targetPort);
  const repeated = targets.filter((target, index) => targets.indexOf(target) !== index);
  const taken = all.filter((listener) => targets.includes(listener.port));
  return [
    ...[...new Set(repeated)].map(
      (target) => `Cannot redirect port ${target}: it has more than one listener`,
    ),
    ...taken.map((one) => `Cannot listen on port ${one.port}: it is a port of the application`),
    ...targets
      .filter((target) => isAmong(target, openPorts))
      .map((target) => `Cannot redirect port ${target}: it is among the open ports`),
  ];
}
