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
import { listeners, port } from "../config/value.ts";
import { redirectEnvironment } from "../contract.ts";

const ports = v.pipe(
  v.string(),
  v.transform((text) => (text === "" ? [] : text.split(",").map((item) => item.trim()))),
  v.array(port),
);

export const redirectTable = {
  listeners: required(redirectEnvironment.listeners, listeners, {
    accepts: "`none`, or a comma-separated list of `port:targetPort`, each port listened on once",
    doc: "The ports of the bouncer and the application's port behind each.",
  }),
  openPorts: variable(redirectEnvironment.openPorts, "", ports, {
    accepts: "a comma-separated list of ports from 1 to 65535",
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
      .filter((target) => openPorts.includes(target))
      .map((target) => `Cannot redirect port ${target}: it is among the open ports`),
  ];
}
