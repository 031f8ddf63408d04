/**
 * The configuration of `bouncer serve` and `bouncer load`: read once from the environment, all
 * problems reported together. The variables are in `config/table.ts`. Pure.
 */
import * as v from "valibot";
import { type Row, table } from "./config/table.ts";
import type { Target } from "./config/value.ts";
import { environment, port } from "./contract.ts";

type Table = typeof table;
type Name = keyof Table;
type Value<R extends Row> = R["fallback"] extends null
  ? v.InferOutput<R["schema"]> | null
  : v.InferOutput<R["schema"]>;

/** A port that is listened on, and where its requests go. */
export interface Route {
  readonly port: number;
  readonly target: Target;
}

type Variables = { readonly [N in Name]: Value<Table[N]> };

/** The variables by the names of `environment` in `contract.ts`, and what follows from them. */
export type Config = Variables & {
  /** `LISTENERS` and `TARGET_HOST`, or `TARGET_URL`. */
  readonly routes: readonly Route[];
};

export type Environment = Readonly<Record<string, string | undefined>>;

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] };

const names = Object.keys(table).filter((name): name is Name => name in table);

/** What Kubernetes puts into every pod of a namespace for a Service named "admin": ADMIN_PORT. */
const serviceLink = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/;

/** An empty variable is an unset one: that is what manifests and charts write for "none". */
function readText(env: Environment, name: Name): string | null {
  const set = env[environment[name]] ?? "";
  return set === "" || serviceLink.test(set) ? table[name].fallback : set;
}

function isSecret(name: Name): boolean {
  const row: Row = table[name];
  return row.secret === true;
}

function shown(name: Name, value: string): string {
  return isSecret(name) ? "***" : value;
}

/** Each value came out of its own row's schema, so having all of them is having the type. */
function isComplete(values: Readonly<Record<string, unknown>>): values is Variables {
  return names.every((name) => name in values);
}

export function parseConfig(env: Environment): ConfigResult {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const name of names) {
    const set = readText(env, name);
    const parsed = set === null ? null : v.safeParse(table[name].schema, set);
    if (set !== null && parsed?.success === false) {
      problems.push(
        `${environment[name]} is "${shown(name, set)}": accepted is ${table[name].accepts}`,
      );
    }
    values[name] = parsed?.output ?? null;
  }
  problems.push(...findConflicts(env));
  if (problems.length > 0) return { ok: false, problems };
  if (!isComplete(values)) throw new TypeError("a row of the table was not read");
  const routes = buildRoutes(values);
  const taken = routes.some((route) => route.port === values.adminPort);
  return taken
    ? {
        ok: false,
        problems: [
          `${environment.adminPort} is "${values.adminPort}": accepted is ${table.adminPort.accepts}`,
        ],
      }
    : { ok: true, config: { ...values, routes } };
}

function buildRoutes(config: Variables): Route[] {
  if (config.listeners !== null) {
    return config.listeners.map((listener) => ({
      port: listener.port,
      target: { host: config.targetHost, port: listener.targetPort },
    }));
  }
  const target = config.targetUrl ?? { host: "127.0.0.1", port: 3000 };
  return [{ port: port.firstListener, target }];
}

/** Pairs that exclude or need each other; each row is one sentence for the person who set them. */
function findConflicts(env: Environment): string[] {
  const isSet = (name: Name): boolean => (env[environment[name]] ?? "") !== "";
  const exclude: readonly (readonly [Name, Name])[] = [
    ["targetUrl", "listeners"],
    ["policySyncClientToken", "policySyncClientTokenFile"],
  ];
  const need: readonly (readonly [Name, Name])[] = [
    ["probes", "adminToken"],
    ["policyVerificationKeyId", "policyVerificationKey"],
    ["policyVerificationScope", "policyVerificationKey"],
  ];
  return [
    ...exclude
      .filter(([one, other]) => isSet(one) && isSet(other))
      .map(([one, other]) => `${environment[one]} and ${environment[other]} exclude each other`),
    ...need
      .filter(([one, other]) => isSet(one) && !isSet(other))
      .map(([one, other]) => `${environment[one]} has no effect without ${environment[other]}`),
  ];
}

/** The effective configuration by variable, for the log: secrets masked, unset ones left out. */
export function describeConfig(env: Environment): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const set = readText(env, name);
      return set === null ? [] : [[environment[name], shown(name, set)]];
    }),
  );
}
