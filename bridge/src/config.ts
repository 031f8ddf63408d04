/**
 * The bridge's environment: one schema declares each variable, what it accepts, its default and
 * its documentation (docs/reference/bridge.md is made from it). Pure: the record is passed in.
 */
import * as v from "valibot";

interface About {
  readonly accepts: string;
  readonly about: string;
}

/** A variable with a default; `schema` turns the string into the value. */
function variable<TOutput>(
  fallback: string,
  schema: v.GenericSchema<string, TOutput>,
  about: About,
) {
  return v.pipe(v.optional(v.string(), fallback), schema, v.metadata({ ...about, fallback }));
}

function integer(minimum: number, maximum: number) {
  return v.pipe(
    v.string(),
    v.regex(/^[0-9]{1,12}$/),
    v.transform(Number),
    v.minValue(minimum),
    v.maxValue(maximum),
  );
}

const boolean = v.pipe(
  v.picklist(["true", "false"]),
  v.transform((text) => text === "true"),
);

const schema = v.object({
  BRIDGE_PORT: variable("8443", integer(0, 65_535), {
    accepts: "a TCP port, 0 to 65535",
    about: "Port for bouncers: bundles and hints. 0 takes a free one.",
  }),
  BRIDGE_ADMIN_PORT: variable("9090", integer(0, 65_535), {
    accepts: "a TCP port, 0 to 65535",
    about: "Port for `/health`, `/ready`, `/metrics` and `/v1/bouncers`, over plain HTTP.",
  }),
  BRIDGE_BUNDLE_DIRECTORY: variable("/bundles", v.pipe(v.string(), v.minLength(1)), {
    accepts: "a path",
    about: "Directory of bundles, one `<name>.tar.gz` each: a mounted ConfigMap or a volume.",
  }),
  BRIDGE_MAX_BUNDLE_BYTES: variable("16777216", integer(1, 1_073_741_824), {
    accepts: "bytes, 1 to 1073741824",
    about: "Largest bundle served. What it unpacks to may be 16 times as much.",
  }),
  BRIDGE_TLS_DIRECTORY: variable("/tls", v.pipe(v.string(), v.minLength(1)), {
    accepts: "a path",
    about:
      "Directory of `tls.crt` and `tls.key`. They may appear after the start, and are loaded again when they change.",
  }),
  BRIDGE_PLAIN_HTTP: variable("false", boolean, {
    accepts: "`true` or `false`",
    about:
      "Serve bouncers without TLS, for a mesh or a proxy that adds it. Tokens then cross the network in clear.",
  }),
  BRIDGE_AUTH: variable("tokenreview", v.picklist(["tokenreview", "token"]), {
    accepts: "`tokenreview` or `token`",
    about:
      "`tokenreview`: projected service-account tokens, checked by the API server. `token`: the tokens in `BRIDGE_TOKEN_FILE`.",
  }),
  BRIDGE_TOKEN_AUDIENCE: variable("bouncer-bridge", v.pipe(v.string(), v.minLength(1)), {
    accepts: "an audience",
    about: "With `tokenreview`: the audience that a token must have been issued for.",
  }),
  BRIDGE_TOKEN_FILE: variable("", v.string(), {
    accepts: "a path",
    about:
      "With `token`: file of accepted tokens, one a line, each of 16 characters or more. Read again when it changes; lines that start with `#` are left out.",
  }),
  BRIDGE_MAX_CONNECTIONS: variable("20000", integer(1, 1_000_000), {
    accepts: "1 to 1000000",
    about: "Connections held open at once; further ones are closed at once.",
  }),
  LOG_LEVEL: variable("info", v.picklist(["trace", "debug", "info", "warn", "error", "fatal"]), {
    accepts: "`trace`, `debug`, `info`, `warn`, `error` or `fatal`",
    about: "Least severe log line that is written to stdout.",
  }),
});

type Environment = v.InferOutput<typeof schema>;

export interface Config {
  readonly port: number;
  readonly adminPort: number;
  readonly bundleDirectory: string;
  readonly maxBundleBytes: number;
  /** Null: plain HTTP. */
  readonly tlsDirectory: string | null;
  readonly authentication:
    | { readonly kind: "tokenreview"; readonly audience: string }
    | { readonly kind: "token"; readonly file: string };
  readonly maxConnections: number;
  readonly logLevel: Environment["LOG_LEVEL"];
}

export type ConfigResult =
  | { readonly kind: "ok"; readonly config: Config }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/** One row of the documentation for each variable. */
export interface VariableAbout extends About {
  readonly name: string;
  readonly fallback: string;
}

export const variables: readonly VariableAbout[] = Object.entries(schema.entries).map(
  ([name, entry]) => ({
    name,
    ...(v.getMetadata(entry) as About & { fallback: string }),
  }),
);

/** What Kubernetes adds to a pod's environment for a Service named "bridge" or "bridge-...". */
const serviceLinkName = /_(SERVICE_(HOST|PORT)|PORT_[0-9]+_(TCP|UDP|SCTP))(_|$)/;
const serviceLinkValue = /^(tcp|udp|sctp):\/\//;

/** An empty value counts as unset, as a chart leaves it. */
export function parseConfig(
  environment: Readonly<Record<string, string | undefined>>,
): ConfigResult {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = v.safeParse(schema, set);
  const problems = [
    ...unknownVariables(set),
    ...(parsed.issues ?? []).map((issue) => describe(String(issue.path?.[0].key), set)),
  ];
  if (!parsed.success) return { kind: "invalid", problems };
  problems.push(...contradictions(parsed.output));
  if (problems.length > 0) return { kind: "invalid", problems };
  return { kind: "ok", config: build(parsed.output) };
}

function unknownVariables(set: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(set)
    .filter(([name]) => name.startsWith("BRIDGE_") && !Object.hasOwn(schema.entries, name))
    .filter(([name, value]) => !serviceLinkName.test(name) && !serviceLinkValue.test(value ?? ""))
    .map(([name]) => `Cannot use ${name}: there is no variable of this name`);
}

function describe(name: string, set: Readonly<Record<string, string | undefined>>): string {
  const accepts = variables.find((row) => row.name === name)?.accepts ?? "";
  return `Cannot use ${name} "${set[name] ?? ""}": accepted is ${accepts.replaceAll("`", '"')}`;
}

function contradictions(environment: Environment): string[] {
  if (environment.BRIDGE_AUTH === "token" && environment.BRIDGE_TOKEN_FILE === "") {
    return ['Cannot use BRIDGE_AUTH "token": BRIDGE_TOKEN_FILE is not set'];
  }
  return [];
}

function build(environment: Environment): Config {
  return {
    port: environment.BRIDGE_PORT,
    adminPort: environment.BRIDGE_ADMIN_PORT,
    bundleDirectory: environment.BRIDGE_BUNDLE_DIRECTORY,
    maxBundleBytes: environment.BRIDGE_MAX_BUNDLE_BYTES,
    tlsDirectory: environment.BRIDGE_PLAIN_HTTP ? null : environment.BRIDGE_TLS_DIRECTORY,
    authentication:
      environment.BRIDGE_AUTH === "token"
        ? { kind: "token", file: environment.BRIDGE_TOKEN_FILE }
        : { kind: "tokenreview", audience: environment.BRIDGE_TOKEN_AUDIENCE },
    maxConnections: environment.BRIDGE_MAX_CONNECTIONS,
    logLevel: environment.LOG_LEVEL,
  };
}
