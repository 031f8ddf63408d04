/**
 * The bridge's environment: one table declares each variable, what it accepts, its default and
 * its documentation (docs/reference/bridge.md is made from it). Pure: the record is passed in.
 */
import {
  type Environment,
  type Reading,
  readTable,
  type TextOf,
  type Values,
  variable,
} from "bouncer-environment/table";
import { flag, integer, text } from "bouncer-environment/value";
import * as v from "valibot";

export const table = {
  port: variable("BRIDGE_PORT", "8443", integer(0, 65_535), {
    accepts: "a TCP port, 0 to 65535",
    doc: "Port for bouncers: bundles and hints. 0 takes a free one.",
  }),
  adminPort: variable("BRIDGE_ADMIN_PORT", "9090", integer(0, 65_535), {
    accepts: "a TCP port, 0 to 65535",
    doc: "Port for `/health`, `/ready`, `/metrics` and `/v1/bouncers`, over plain HTTP.",
  }),
  bundleDirectory: variable("BRIDGE_BUNDLE_DIRECTORY", "/bundles", text, {
    accepts: "a path",
    doc: "Directory of bundles, one `<name>.tar.gz` each: a mounted ConfigMap or a volume.",
  }),
  maxBundleBytes: variable("BRIDGE_MAX_BUNDLE_BYTES", "16777216", integer(1, 1_073_741_824), {
    accepts: "bytes, 1 to 1073741824",
    doc: "Largest bundle served. What it unpacks to may be 16 times as much.",
  }),
  tlsDirectory: variable("BRIDGE_TLS_DIRECTORY", "/tls", text, {
    accepts: "a path",
    doc: "Directory of `tls.crt` and `tls.key`. They may appear after the start, and are loaded again when they change.",
  }),
  plainHttp: variable("BRIDGE_PLAIN_HTTP", "false", flag, {
    accepts: "`true` or `false`",
    doc: "Serve bouncers without TLS, for a mesh or a proxy that adds it. Tokens then cross the network in clear.",
  }),
  auth: variable("BRIDGE_AUTH", "tokenreview", v.picklist(["tokenreview", "token"]), {
    accepts: "`tokenreview` or `token`",
    doc: "`tokenreview`: projected service-account tokens, checked by the API server. `token`: the tokens in `BRIDGE_TOKEN_FILE`.",
  }),
  tokenAudience: variable("BRIDGE_TOKEN_AUDIENCE", "bouncer-bridge", text, {
    accepts: "an audience",
    doc: "With `tokenreview`: the audience that a token must have been issued for.",
  }),
  tokenFile: variable("BRIDGE_TOKEN_FILE", "", text, {
    accepts: "a path",
    doc: "With `token`: file of accepted tokens, one a line, each of 16 characters or more. Read again when it changes; lines that start with `#` are left out.",
  }),
  maxConnections: variable("BRIDGE_MAX_CONNECTIONS", "20000", integer(1, 1_000_000), {
    accepts: "1 to 1000000",
    doc: "Connections held open at once; further ones are closed at once.",
  }),
  logLevel: variable(
    "LOG_LEVEL",
    "info",
    v.picklist(["trace", "debug", "info", "warn", "error", "fatal"]),
    {
      accepts: "`trace`, `debug`, `info`, `warn`, `error` or `fatal`",
      doc: "Least severe log line that is written to stdout.",
    },
  ),
};

type Variables = Values<typeof table>;
type Direct = Omit<
  Variables,
  "tlsDirectory" | "plainHttp" | "auth" | "tokenAudience" | "tokenFile"
>;

export interface Config extends Direct {
  /** Null: plain HTTP. */
  readonly tlsDirectory: string | null;
  readonly authentication:
    | { readonly kind: "tokenreview"; readonly audience: string }
    | { readonly kind: "token"; readonly file: string };
}

export function parseConfig(environment: Environment): Reading<Config> {
  const read = readTable(table, environment, { prefix: "BRIDGE_", conflicts: findConflicts });
  return read.kind === "invalid" ? read : { kind: "ok", config: build(read.config) };
}

function findConflicts(textOf: TextOf): string[] {
  return textOf("BRIDGE_AUTH") === "token" && textOf("BRIDGE_TOKEN_FILE") === null
    ? ['Cannot use BRIDGE_AUTH "token" without BRIDGE_TOKEN_FILE']
    : [];
}

function build(variables: Variables): Config {
  const { plainHttp, auth, tokenAudience, tokenFile, ...direct } = variables;
  return {
    ...direct,
    tlsDirectory: plainHttp ? null : direct.tlsDirectory,
    authentication:
      auth === "token"
        ? { kind: "token", file: tokenFile }
        : { kind: "tokenreview", audience: tokenAudience },
  };
}
