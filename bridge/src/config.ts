/**
 * The bridge's environment: one table declares each variable, what it accepts, its default and
 * its documentation (docs/reference/bridge.md is made from it). Pure: the record is passed in.
 */
import {
  type Environment,
  optional,
  type Reading,
  readTable,
  type TextOf,
  type Values,
  variable,
} from "bouncer-environment/table";
import { flag, integer, text } from "bouncer-environment/value";
import * as v from "valibot";
import { acceptedLocations, type Locations, parseLocations } from "./upstream/location.ts";

const locations = v.pipe(
  v.string(),
  v.transform(parseLocations),
  v.custom<Locations>((value) => value !== null),
);
const origin = v.pipe(
  v.string(),
  v.url(),
  v.transform((value) => new URL(value)),
  v.check(({ protocol, username }) => /^https?:$/.test(protocol) && username === ""),
);

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
    doc: "Directory of bundles, one `<name>.tar.gz` each, and `rollout.json`: a mounted ConfigMap or a volume.",
  }),
  upstream: variable("BRIDGE_UPSTREAM", "directory", locations, {
    accepts: acceptedLocations,
    doc: "Where bundles come from. `directory` is `BRIDGE_BUNDLE_DIRECTORY`; `rollout.json` may be at a URL, too. Of a name that both have, the URL's counts.",
  }),
  upstreamPollSeconds: variable("BRIDGE_UPSTREAM_POLL_SECONDS", "30", integer(1, 86_400), {
    accepts: "1 to 86400",
    doc: "How often each URL of `BRIDGE_UPSTREAM` is asked, give or take a quarter. After failures sooner, at random times up to a minute.",
  }),
  upstreamTokenFile: optional("BRIDGE_UPSTREAM_TOKEN_FILE", text, {
    accepts: "a path",
    doc: "File of the bearer token for the `http` and `https` URLs of `BRIDGE_UPSTREAM`, which must then be of one server. Read on every use.",
  }),
  upstreamCaFile: optional("BRIDGE_UPSTREAM_CA_FILE", text, {
    accepts: "a path",
    doc: "File of PEM certificates: the authorities that the servers of `BRIDGE_UPSTREAM` are verified against; unset: Node's own list. Read at the start.",
  }),
  s3Endpoint: optional("BRIDGE_S3_ENDPOINT", origin, {
    accepts: "an http or https URL without credentials",
    doc: "Where the buckets of `BRIDGE_UPSTREAM` are; unset: Amazon's own. Credentials are found as Amazon's clients find them: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, the file `AWS_SHARED_CREDENTIALS_FILE`, a web identity (`AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`), or the metadata service.",
  }),
  s3Region: variable("BRIDGE_S3_REGION", "us-east-1", text, {
    accepts: "a region",
    doc: "Region of the buckets.",
  }),
  s3PathStyle: variable("BRIDGE_S3_PATH_STYLE", "true", flag, {
    accepts: "`true` or `false`",
    doc: "With `BRIDGE_S3_ENDPOINT`: the bucket is in the path, `https://HOST/BUCKET/KEY`. `false`: in the name, `https://BUCKET.HOST/KEY`.",
  }),
  ociCredentialsFile: optional("BRIDGE_OCI_CREDENTIALS_FILE", text, {
    accepts: "a path",
    doc: "File of credentials for the registries of `BRIDGE_UPSTREAM`, as `docker login` and image pull secrets (`.dockerconfigjson`) keep them. Read on every use.",
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
  serviceAccountFolder: variable(
    "BRIDGE_SERVICE_ACCOUNT_FOLDER",
    "/var/run/secrets/kubernetes.io/serviceaccount",
    text,
    {
      accepts: "a path",
      doc: "With `tokenreview`, in a pod: folder of the bridge's own `token` and of the API server's `ca.crt`. Elsewhere, or with `KUBECONFIG`, a kubeconfig is used.",
    },
  ),
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
  | "tlsDirectory"
  | "plainHttp"
  | "auth"
  | "tokenAudience"
  | "serviceAccountFolder"
  | "tokenFile"
  | "upstreamPollSeconds"
  | "s3Endpoint"
  | "s3Region"
  | "s3PathStyle"
>;

export interface Config extends Direct {
  /** Null: plain HTTP. */
  readonly tlsDirectory: string | null;
  readonly pollMs: number;
  readonly s3: {
    /** Null: Amazon's own. */
    readonly endpoint: URL | null;
    readonly region: string;
    readonly isPathStyle: boolean;
  };
  readonly authentication:
    | {
        readonly kind: "tokenreview";
        readonly audience: string;
        readonly serviceAccountFolder: string;
      }
    | { readonly kind: "token"; readonly file: string };
}

export function parseConfig(environment: Environment): Reading<Config> {
  const read = readTable(table, environment, { prefix: "BRIDGE_", conflicts: findConflicts });
  return read.kind === "invalid" ? read : { kind: "ok", config: build(read.config) };
}

function findConflicts(textOf: TextOf): string[] {
  const isTokenMissing = textOf("BRIDGE_AUTH") === "token" && textOf("BRIDGE_TOKEN_FILE") === null;
  const { remote } = parseLocations(textOf("BRIDGE_UPSTREAM") ?? "directory") ?? { remote: [] };
  const servers = new Set(remote.flatMap((one) => (one.kind === "http" ? [one.url.origin] : [])));
  const isTokenShared = textOf("BRIDGE_UPSTREAM_TOKEN_FILE") !== null && servers.size > 1;
  return [
    ...(isTokenMissing ? ['Cannot use BRIDGE_AUTH "token" without BRIDGE_TOKEN_FILE'] : []),
    ...(isTokenShared
      ? [
          `Cannot use BRIDGE_UPSTREAM_TOKEN_FILE with several servers in BRIDGE_UPSTREAM: ${[...servers].join(", ")}`,
        ]
      : []),
  ];
}

function build(variables: Variables): Config {
  const { plainHttp, auth, tokenAudience, serviceAccountFolder, tokenFile, ...rest } = variables;
  const { upstreamPollSeconds, s3Endpoint, s3Region, s3PathStyle, ...direct } = rest;
  return {
    ...direct,
    tlsDirectory: plainHttp ? null : direct.tlsDirectory,
    pollMs: upstreamPollSeconds * 1000,
    s3: { endpoint: s3Endpoint, region: s3Region, isPathStyle: s3PathStyle },
    authentication:
      auth === "token"
        ? { kind: "token", file: tokenFile }
        : { kind: "tokenreview", audience: tokenAudience, serviceAccountFolder },
  };
}
