/**
 * The fields of the input document of OPA's Envoy plugin: how each is made of a request, and from
 * what a bundle declares to those that are made. Pure; the clock and the ids come in.
 */
import type { ConnectionHead, RequestHead } from "./decision.ts";
import { parseBody } from "./body.ts";
import type { Facts } from "./facts.ts";
import { HeaderWriter } from "./header-writer.ts";
import { createQuoter } from "./quoter.ts";
import { parsePath } from "./target.ts";
import { compileTemplate, type Field, type Step } from "./template.ts";

const http = "attributes.request.http";

const sni = "attributes.tlsSession.sni";

type Connection = Pick<ConnectionHead, "source" | "destination"> & Partial<ConnectionHead>;

/** What there is to a connection; of a request, the one on which it came. */
export const connectionFields: Readonly<Record<string, (connection: Connection) => unknown>> = {
  "attributes.source.address.socketAddress.address": ({ source }) => source.address,
  "attributes.source.address.socketAddress.portValue": ({ source }) => source.port,
  "attributes.destination.address.socketAddress.address": ({ destination }) => destination.address,
  "attributes.destination.address.socketAddress.portValue": ({ destination }) => destination.port,
  [sni]: (connection) => connection.sni ?? undefined,
};

export const version = (): object => ({ ext_authz: "v3", encoding: "protojson" });
const versionText = JSON.stringify(version());

const always = (write: (facts: Facts) => string): Field => ({ kind: "always", write });
const sometimes = (write: (facts: Facts) => string | null): Field => ({ kind: "sometimes", write });
const never: Field = { kind: "never" };
const quote = (text: string): string => JSON.stringify(text);
const quoteKnown = (value: unknown): string | null =>
  value === undefined ? null : JSON.stringify(value);

/** What is often the same as it was for the request before. */
function ofRequest(build: (request: RequestHead) => unknown, write = createQuoter()): Field {
  return always(({ request }) => write(build(request)));
}

/** The target is in the input twice. */
const quoteTarget = createQuoter();
/** It keeps names of headers, which are the same for all policies. */
const headers = new HeaderWriter(quoteTarget);

/** Every field that is ever built, in the order in which it is written. */
const fields: Readonly<Record<string, Field>> = {
  ...Object.fromEntries(
    Object.entries(connectionFields).map(([name, build]) => [name, ofRequest(build)]),
  ),
  // Only a connection on an opaque port has been read that far.
  [sni]: never,
  "attributes.request.time": always(({ context }) => quote(context.time())),
  [`${http}.id`]: always(({ context }) => quote(context.id())),
  [`${http}.method`]: ofRequest(({ method }) => method),
  [`${http}.headers`]: always(({ request }) => headers.write(request)),
  [`${http}.path`]: ofRequest(({ target }) => target, quoteTarget),
  [`${http}.host`]: ofRequest(({ host }) => host),
  [`${http}.scheme`]: ofRequest(({ scheme }) => scheme),
  [`${http}.protocol`]: ofRequest(({ protocol }) => protocol),
  [`${http}.size`]: always((facts) => String(sizeOf(facts))),
  [`${http}.body`]: sometimes(({ body }) =>
    body === null ? null : quote(decodeLossy(body.bytes)),
  ),
  [`${http}.rawBody`]: sometimes(({ body }) =>
    body === null ? null : quote(encodeBase64(body.bytes)),
  ),
  parsed_path: always(({ request }) => JSON.stringify(parsePath(request.target))),
  parsed_query: always((facts) =>
    facts.request.target.includes("?") ? JSON.stringify(Object.fromEntries(facts.query())) : "{}",
  ),
  parsed_body: always((facts) =>
    JSON.stringify(parseBody(facts.header("content-type"), facts.body)),
  ),
  truncated_body: always(({ body }) => String(body?.truncated ?? false)),
  version: always(() => versionText),
};

/** Built only when a bundle names them: the first two are never the same twice, others are waited for. */
const onDemand = new Set([
  sni,
  "attributes.request.time",
  `${http}.id`,
  `${http}.body`,
  `${http}.rawBody`,
]);

/** For these the body is read ahead. */
const ofBody = new Set([`${http}.body`, `${http}.rawBody`, "parsed_body", "truncated_body"]);

/** What is built only for those who name it: the last steps of its paths. */
export const namedFields: readonly string[] = [
  ...new Set([...onDemand, ...ofBody].map(lastStep)),
  // Of the plugin's document in its other form.
  "raw_body",
];

function lastStep(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** Of these, single members can be declared: `attributes.request.http.headers.authorization`. */
const members: Readonly<Record<string, (facts: Facts, member: string) => unknown>> = {
  [`${http}.headers`]: (facts, member) => facts.header(member),
  parsed_query: (facts, member) => facts.query().get(member),
};

/** A path into the input as far as it can be declared: of a member, what lies in it is its own. */
export function toDeclarable(path: readonly string[]): readonly string[] {
  const whole = Object.keys(members).map((name) => name.split("."));
  const field = whole.find((steps) => steps.every((step, at) => step === path[at]));
  return field === undefined ? path : path.slice(0, field.length + 1);
}

/** Part of Envoy's document, unknown to a bouncer: declaring them is no mistake. */
export const neverPresent: readonly string[] = [
  "attributes.contextExtensions",
  "attributes.metadataContext",
  "attributes.routeMetadataContext",
  "attributes.request.http.fragment",
  "attributes.request.http.headerMap",
  "attributes.request.http.query",
  ...["source", "destination"].flatMap((peer) => [
    `attributes.${peer}.address.envoyInternalAddress`,
    `attributes.${peer}.address.pipe`,
    `attributes.${peer}.address.socketAddress.ipv4Compat`,
    `attributes.${peer}.address.socketAddress.namedPort`,
    `attributes.${peer}.address.socketAddress.protocol`,
    `attributes.${peer}.address.socketAddress.resolverName`,
    `attributes.${peer}.certificate`,
    `attributes.${peer}.labels`,
    `attributes.${peer}.principal`,
    `attributes.${peer}.service`,
  ]),
  "source_principal",
];

/**
 * Objects that every request has. They are there whatever of them is declared: a rule may take one
 * into a variable first, and then ask for what is not in it.
 */
export const containers: ReadonlySet<string> = new Set([
  ...Object.keys(members),
  ...Object.keys(fields)
    .filter((name) => name !== sni)
    .flatMap((name) => prefixesOf(name.split("."))),
]);

function prefixesOf(path: readonly string[]): readonly string[] {
  return path.slice(1).map((_, at) => path.slice(0, at + 1).join("."));
}

/** For a field that is nowhere, one that is never present in the same object; null: in the input. */
export function placeholderOf(path: readonly string[]): string | null {
  const container = prefixesOf(path).findLast((prefix) => containers.has(prefix));
  return neverPresent.find((name) => name.startsWith(`${container}.`)) ?? null;
}

const bodyLimitBytes = 65_536;

/** What is built for every request of one bundle. */
export interface InputPlan {
  readonly steps: readonly Step[];
  /** The input as JSON. Throws for a body that is not what it claims to be. */
  readonly write: (facts: Facts) => string;
  /** Bytes of the body to read ahead; 0 when the policy does not read it. */
  readonly bodyBytes: number;
  readonly readsQuery: boolean;
  /** The start of an opaque connection is to be read for it. */
  readonly readsSni: boolean;
}

export type PlanResult =
  | { readonly kind: "plan"; readonly plan: InputPlan }
  | { readonly kind: "unknown"; readonly field: string; readonly known: readonly string[] };

/**
 * From what a bundle declares, as dotted paths, to what is built; null declares nothing, then all is
 * built, and of the body what the policy may read: it has a name of it among its strings.
 */
export function planInput(
  declared: readonly string[] | null,
  mentioned: readonly string[] = [],
): PlanResult {
  if (declared === null) return { kind: "plan", plan: planWhole(mentioned) };
  const steps = new Map<string, Step>();
  for (const path of declared) {
    const found = expand(path);
    if (found === null) return { kind: "unknown", field: path, known: Object.keys(fields) };
    for (const step of found) steps.set(step.path.join("."), step);
  }
  // A whole field holds each of its members, whatever the order in which they were declared.
  const needed = [...steps].filter(([name]) => {
    const whole = Object.keys(members).find((field) => name.startsWith(`${field}.`));
    return whole === undefined || !steps.has(whole);
  });
  const names = needed.map(([name]) => name);
  const plan = {
    ...writing(needed.map(([, step]) => step)),
    bodyBytes: names.some((name) => ofBody.has(name)) ? bodyLimitBytes : 0,
    readsQuery: names.some((name) => name.startsWith("parsed_query")),
    readsSni: steps.has(sni),
  };
  return { kind: "plan", plan };
}

function planWhole(mentioned: readonly string[]): InputPlan {
  const named = Object.keys(fields).filter(
    (name) => ofBody.has(name) && mentioned.includes(lastStep(name)),
  );
  // To many policies, `body` is a field of their answer: for it alone, no body has to be sound.
  const readsParsed =
    mentioned.includes("raw_body") || named.some((name) => name !== `${http}.body`);
  const names = Object.keys(fields).filter((name) => {
    if (!ofBody.has(name)) return !onDemand.has(name);
    return readsParsed || (named.length > 0 ? named.includes(name) : !onDemand.has(name));
  });
  const bodyBytes = readsParsed || named.length > 0 ? bodyLimitBytes : 0;
  return { ...writing(names.flatMap(wholeStep)), bodyBytes, readsQuery: true, readsSni: false };
}

function writing(steps: readonly Step[]): Pick<InputPlan, "steps" | "write"> {
  return { steps, write: compileTemplate(steps, containers) };
}

/**
 * What has to be declared besides `path` so that a policy that mentions these names, and uses what
 * lies below it, finds what it looks for.
 */
export function declareBelow(path: string, mentioned: readonly string[]): readonly string[] {
  return [...onDemand].filter(
    (name) => name.startsWith(`${path}.`) && mentioned.includes(lastStep(name)),
  );
}

/** The same of the whole input; null: declaring nothing does. */
export function declareWhole(mentioned: readonly string[]): readonly string[] | null {
  const isMentioned = (name: string): boolean => mentioned.includes(lastStep(name));
  if (![...onDemand].some((name) => !ofBody.has(name) && isMentioned(name))) return null;
  return Object.keys(fields).filter((name) =>
    onDemand.has(name) || ofBody.has(name) ? isMentioned(name) : true,
  );
}

function wholeStep(name: string): Step[] {
  const field = fields[name];
  return field === undefined ? [] : [{ path: name.split("."), field }];
}

/** A field, a member of one, or all fields below a path; null when there is nothing like it. */
function expand(path: string): readonly Step[] | null {
  const whole = Object.keys(fields).find((name) => path === name || path.startsWith(`${name}.`));
  if (whole !== undefined) {
    const member = path.slice(whole.length + 1);
    const take = members[whole];
    if (member === "" || take === undefined) return wholeStep(whole);
    const field = sometimes((facts) => quoteKnown(take(facts, member)));
    return [{ path: [...whole.split("."), member], field }];
  }
  const below = Object.keys(fields).filter((name) => name.startsWith(`${path}.`));
  const offered = below.filter((name) => !onDemand.has(name));
  // Of a session there is nothing but the name: who names the one has named the other.
  if (below.length > 0) return (offered.length > 0 ? offered : below).flatMap(wholeStep);
  const isKnown = neverPresent.some((name) => path === name || path.startsWith(`${name}.`));
  return isKnown ? [{ path: path.split("."), field: never }] : null;
}

/** -1 is a size that is not known ahead. A number: to Rego, any text is more than any number. */
function sizeOf(facts: Facts): number {
  const length = facts.header("content-length");
  if (length !== undefined && /^\d{1,15}$/.test(length)) return Number(length);
  return facts.header("transfer-encoding") === undefined ? 0 : -1;
}

function decodeLossy(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function encodeBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
