/**
 * Schemas of single environment values: text in, typed value out. What a value may be is said in
 * words by the row of the table that uses it. Pure.
 */
import { integer } from "bouncer-environment/value";
import * as v from "valibot";
import { parsePointer } from "../audit/erase.ts";
import { parseGlob } from "../bundle/glob.ts";
import { bundleNameOf } from "../bundle/name.ts";
import { type Listener, type Probe, probeFields } from "../contract.ts";
import { parseDegradedRoute } from "../proxy/degraded.ts";

/** An address block; both families. */
export interface Cidr {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

export interface Target {
  readonly host: string;
  readonly port: number;
}

const portNumber = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));

export const port = integer(1, 65_535);

/** Absolute path without `..`, so that what is configured is what is opened. */
export const absolutePath = v.pipe(v.string(), v.regex(/^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\0]*$/));

/** `envoy/authz/allow`: the entrypoint of a compiled bundle. */
export const decisionPath = v.pipe(v.string(), v.regex(/^[\w-]+(?:\/[\w-]+)*$/));

/** Long enough that nobody guesses it, safe inside a path. */
export const adminToken = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{16,128}$/));

export const pemCertificates = v.pipe(v.string(), v.includes("-----BEGIN CERTIFICATE-----"));

/** A URL of one of `protocols`, without credentials: those have variables of their own. */
export function url(...protocols: readonly string[]) {
  return v.pipe(
    v.string(),
    v.check((value) => URL.canParse(value)),
    v.transform((value) => new URL(value)),
    v.check((value) => protocols.includes(value.protocol.slice(0, -1))),
    v.check((value) => value.username === "" && value.password === "" && value.hash === ""),
  );
}

export const bundleUrls = v.pipe(
  v.string(),
  v.transform(splitList),
  v.array(url("http", "https")),
  v.check((all) => new Set(all.map(bundleNameOf)).size === all.length),
);

/** `http://127.0.0.1:3000`: an origin and nothing else. */
export const targetUrl = v.pipe(
  url("http"),
  v.check((value) => value.pathname === "/" && value.search === ""),
  v.transform((value): Target => {
    return {
      host: value.hostname.replace(/^\[|\]$/g, ""),
      port: value.port === "" ? 80 : Number(value.port),
    };
  }),
);

const hostName = v.pipe(v.string(), v.maxLength(253), v.regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*\w)?$/));

/** Address or name. A reference that was not expanded, `$(POD_IP)`, is neither. */
export const host = v.union([v.pipe(v.string(), v.ipv6()), hostName]);

function splitList(value: string): string[] {
  return value.split(",").map((item) => item.trim());
}

export const ports = v.pipe(v.string(), v.transform(splitList), v.array(port));

const appProtocol = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}:(?:http1|h2c)$/),
  v.transform((value) => {
    const [number = "", protocol] = value.split(":");
    return { port: Number(number), protocol };
  }),
  v.object({ port: portNumber, protocol: v.picklist(["http1", "h2c"]) }),
);

export const appProtocols = v.pipe(
  v.string(),
  v.transform(splitList),
  v.array(appProtocol),
  v.check((all) => new Set(all.map((one) => one.port)).size === all.length),
);

const listener = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}:\d{1,5}$/),
  v.transform((value) => value.split(":").map(Number)),
  v.tuple([portNumber, portNumber]),
  v.transform(([from, to]): Listener => ({ port: from, targetPort: to })),
);

/** `none` is an empty list: an empty variable would mean that it is not set. */
export const listeners = v.pipe(
  v.string(),
  v.transform((value) => (value === "none" ? [] : splitList(value))),
  v.array(listener),
  v.check((all) => new Set(all.map((one) => one.port)).size === all.length),
);

export const cidr = v.pipe(
  v.string(),
  v.regex(/^[\da-fA-F:.]+(?:\/\d{1,3})?$/),
  v.transform((value): Cidr => {
    const [address = "", prefix] = value.split("/", 2);
    const family = address.includes(":") ? "ipv6" : "ipv4";
    const bits = family === "ipv6" ? 128 : 32;
    return { address, family, prefix: prefix === undefined ? bits : Number(prefix || "-1") };
  }),
  v.variant("family", [
    v.object({
      address: v.pipe(v.string(), v.ipv4()),
      family: v.literal("ipv4"),
      prefix: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(32)),
    }),
    v.object({
      address: v.pipe(v.string(), v.ipv6()),
      family: v.literal("ipv6"),
      prefix: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(128)),
    }),
  ]),
);

export const cidrs = v.pipe(v.string(), v.transform(splitList), v.array(cidr));

/** Each item read by `parse`, which answers null to what it cannot read. */
export function listOf<T>(parse: (item: string) => T | null) {
  return v.pipe(
    v.string(),
    v.transform((value) => splitList(value).map(parse)),
    v.check((items) => items.every((item) => item !== null)),
    v.transform((items) => items.filter((item) => item !== null)),
  );
}

export const degradedRoutes = listOf(parseDegradedRoute);

export const auditMasks = listOf(parsePointer);

export const globs = listOf((text) => (parseGlob(text) === null ? null : text));

const headerSchema = v.object({
  name: v.pipe(v.string(), v.regex(/^[!#$%&'*+\-.^_`|~\w]+$/)),
  value: v.string(),
});

const actionSchema = v.variant("kind", [
  v.object({
    kind: v.literal("http"),
    scheme: v.picklist(["http", "https"]),
    port: portNumber,
    path: v.string(),
    host: v.exactOptional(v.string()),
    headers: v.array(headerSchema),
  }),
  v.object({ kind: v.literal("tcp"), port: portNumber, host: v.exactOptional(v.string()) }),
  v.object({ kind: v.literal("grpc"), port: portNumber, service: v.string() }),
]);

const probeSchema = v.object({
  container: v.pipe(v.string(), v.regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)),
  field: v.picklist(probeFields),
  timeoutSeconds: v.pipe(v.number(), v.minValue(1)),
  action: actionSchema,
}) satisfies v.GenericSchema<unknown, Probe>;

export const probes = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(probeSchema),
  v.check((all) => new Set(all.map((p) => `${p.container}/${p.field}`)).size === all.length),
);
