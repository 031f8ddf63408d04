/**
 * How the values of settings and annotations are read: one pattern and one phrase ("is not ...")
 * for each kind of value, so that both accept the same and say the same. Pure.
 */
import * as v from "valibot";

export const cpuPattern = /^([1-9]\d*m|[1-9]\d*|\d+\.\d{1,3})$/;
export const memoryPattern = /^[1-9]\d*(Ki|Mi|Gi|Ti|k|M|G|T)?$/;
export const acceptedCpu = `a CPU quantity such as "100m", "1" or "0.5"`;
export const acceptedMemory = `a memory quantity such as "64Mi" or "1Gi"`;

export const decisionPathPattern = /^[\w-]+(\/[\w-]+)*$/;
export const acceptedDecisionPath = `a path of a rule such as "envoy/authz/allow", without a leading slash`;

/** Of an image: `registry:5000/name:tag@sha256:...`, without blanks. */
export const imagePattern = /^[\w][\w.:/@+-]{0,511}$/;
export const acceptedImage = `an image reference such as "registry.example/bouncer:0.1.0"`;

export const presetNames = ["small", "medium", "large", "xlarge"] as const;
export type PresetName = (typeof presetNames)[number];

export const modes = ["auto", "redirect", "service"] as const;
export const nativeSidecarValues = ["auto", "true", "false"] as const;
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export const auditDestinations = ["stdout", "file"] as const;
export const auditModes = ["availability", "auditability"] as const;
export const unlistedPortsValues = ["deny", "allow"] as const;
export const longLivedStreamsValues = ["recheck", "close", "keep"] as const;
export const hostNetworkValues = ["skip", "deny"] as const;

/**
 * Annotations, without their prefix, by which a pod's author could switch enforcement off or get
 * around it: on pods they need the operator's `allowedPodAnnotations`.
 */
export const weakeningAnnotations = [
  "mode",
  "excluded-ports",
  "excluded-source-cidrs",
  "opaque-ports",
  "long-lived-streams",
  "bundle-url",
  "policy-sync-url",
  "decision-path",
  "degraded-routes",
  "audit",
  "audit-mode",
  "audit-masks",
  "shadow",
  "image",
  "extra-env",
] as const;
export type WeakeningAnnotation = (typeof weakeningAnnotations)[number];

/** What the bouncer calls itself in Via (RFC 9110, 7.6.3), or `none`. */
export const viaPattern = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
export const acceptedVia = `"none" or a name of 1 to 64 letters, digits and !#$%&'*+-.^_\`|~`;

/** Threads of one bouncer. */
export const maxThreads = 64;
export const acceptedThreads = `"auto" or a whole number from 1 to ${maxThreads}`;

/** A URL of one of `schemes`, without credentials: those do not belong into a pod's environment. */
export function isUrl(value: string, schemes: readonly string[]): boolean {
  const parsed = URL.parse(value);
  if (parsed === null || !schemes.includes(parsed.protocol)) return false;
  return parsed.username === "" && parsed.password === "" && parsed.hash === "";
}

/** The URLs of `bundleUrl`, which the bouncer reads in the same way. */
export const splitUrls = (list: string): string[] => list.split(",").map((item) => item.trim());

/** What a bundle is called: the last segment of its URL. Bouncer and bridge call it the same. */
export function bundleNameOf(url: string): string {
  const name = URL.parse(url)?.pathname.split("/").at(-1) ?? "";
  return name === "" ? "policy.tar.gz" : name;
}

export function isBundleUrl(value: string): boolean {
  const urls = splitUrls(value);
  const isEach = urls.every((url) => isUrl(url, bundleUrlSchemes));
  return isEach && new Set(urls.map(bundleNameOf)).size === urls.length;
}

export const bundleUrlSchemes = ["https:", "http:"] as const;
export const syncUrlSchemes = ["wss:", "ws:", "https:", "http:"] as const;
export const acceptedBundleUrl = `an absolute URL with https:// or http://, or a comma-separated list of them whose last segments differ`;
export const acceptedSyncUrl = `an absolute URL with wss://, https://, ws:// or http://`;

/** Both ends belong to it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `3000` or `8000-8010`. */
export function parsePortRange(text: string): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return 1 <= first && first <= last && last <= 65_535 ? { first, last } : undefined;
}

export const formatPortRange = ({ first, last }: PortRange): string =>
  first === last ? String(first) : `${first}-${last}`;

const ipv4 = v.pipe(v.string(), v.ipv4());
const ipv6 = v.pipe(v.string(), v.ipv6());

/** The last part may be written as IPv4 (RFC 4291, 2.2), and then has to be one. */
function isV6(address: string): boolean {
  const last = address.slice(address.lastIndexOf(":") + 1);
  return v.is(ipv6, address) && (!last.includes(".") || v.is(ipv4, last));
}

/** An address, or one with a prefix length, of either family. */
export function isCidr(text: string): boolean {
  const [address, prefix, ...more] = text.split("/");
  // A zone (RFC 4007) means something on one machine only.
  if (address === undefined || more.length > 0 || address.includes("%")) return false;
  const isV4 = v.is(ipv4, address);
  if (!isV4 && !isV6(address)) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (isV4 ? 32 : 128));
}

export const acceptedCidr = `an address or a CIDR such as "10.0.0.0/8" or "fd00::/8"`;

const isSegment = (text: string) =>
  /^[\w.~!$&'()+=:@-]*$/.test(text) && text !== "." && text !== "..";

/**
 * `GET /health` or `* /static/*`: a method or any, an exact path or all below one. Only paths that
 * can be written in one way: those that bouncers compare with are in normal form.
 */
export function isRoute(text: string): boolean {
  const [, written = ""] = /^(?:\*|[A-Z]{1,32}) (\/\S*)$/.exec(text) ?? [];
  const path = written.endsWith("/*") ? written.slice(0, -1) : written;
  const [last = ".", ...before] = path.slice(1).split("/").toReversed();
  return path !== "" && isSegment(last) && before.every((one) => one !== "" && isSegment(one));
}

export const acceptedRoute = `a method or * and a path, such as "GET /health" or "* /static/*"`;

const maskPattern = /^\/(input|result)(\/([^/~,\s]|~[01])+)*$/;
const upperCaseHeader = /^\/input\/attributes\/request\/http\/headers\/[^/]*[A-Z]/;

/**
 * JSON pointer (RFC 6901) into the record of a decision, as OPA's decision masks have them. Headers
 * are in lower case there: another case would erase nothing, and look as if it did.
 */
export const isMask = (text: string): boolean =>
  maskPattern.test(text) && text === text.normalize() && !upperCaseHeader.test(text);
export const acceptedMask = `a JSON pointer to /input, /result or below, such as "/input/attributes/request/http/headers/x-internal" (header names in lower case)`;
