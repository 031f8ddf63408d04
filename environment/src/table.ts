/**
 * The environment of a program as one table: each variable is declared once, with how its text is
 * read, what it is when unset and how it is documented. Pure: the environment is passed in.
 */
import * as v from "valibot";

export type Environment = Readonly<Record<string, string | undefined>>;

interface Doc {
  /** Completes "accepted is ..." in a complaint, and the reference. */
  readonly accepts: string;
  readonly doc: string;
  /** Shown as `***` wherever its value would be shown. */
  readonly secret?: true;
}

interface About extends Doc {
  readonly name: string;
  readonly required: boolean;
  /** The text that stands in when the variable is unset. */
  readonly fallback: string | null;
}

/** From the text of a variable, or null when it is unset, to its value. */
export type Variable<T> = v.GenericSchema<string | null, T> & { readonly about: About };

/** By the names that the program has for the values. */
export type Table = Readonly<Record<string, Variable<unknown>>>;

export type Values<T extends Table> = Readonly<v.InferOutput<v.ObjectSchema<T, undefined>>>;

export type Reading<T> =
  | { readonly kind: "ok"; readonly config: T }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

type Text<T> = v.GenericSchema<string, T>;

/** A variable that stands for `fallback` when it is unset. */
export function variable<T>(
  name: string,
  fallback: string,
  schema: Text<T>,
  doc: Doc,
): Variable<T> {
  const about = { ...doc, name, required: false, fallback };
  return Object.assign(v.pipe(v.nullable(v.string(), fallback), v.string(), schema), { about });
}

/** A variable that is null when it is unset. */
export function optional<T>(name: string, schema: Text<T>, doc: Doc): Variable<T | null> {
  const about = { ...doc, name, required: false, fallback: null };
  return Object.assign(v.nullable(v.pipe(v.string(), schema)), { about });
}

export function required<T>(name: string, schema: Text<T>, doc: Doc): Variable<T> {
  const about = { ...doc, name, required: true, fallback: null };
  return Object.assign(v.pipe(v.nullable(v.string()), v.string(), schema), { about });
}

/**
 * What Kubernetes adds to the environment of every pod of a namespace for a Service named "admin":
 * ADMIN_PORT=tcp://10.0.0.1:80, ADMIN_SERVICE_HOST, ADMIN_PORT_80_TCP_ADDR and more (`enableServiceLinks`
 * of a pod's spec). Nobody meant the program by them.
 */
const serviceLinkName = /_(SERVICE_(HOST|PORT)|PORT_[0-9]+_(TCP|UDP|SCTP))(_|$)/;
const serviceLinkValue = /^(tcp|udp|sctp):\/\/\S+:\d+$/;

function isServiceLink(name: string, text: string): boolean {
  return serviceLinkName.test(name) || (name.endsWith("_PORT") && serviceLinkValue.test(text));
}

/** An empty variable is an unset one: that is what manifests and charts write for "none". */
function readText(environment: Environment, name: string): string | null {
  const text = environment[name] ?? "";
  return text === "" || isServiceLink(name, text) ? null : text;
}

function shown({ secret }: About, text: string): string {
  return secret === true ? "***" : text;
}

/** The one form of a complaint about a value. */
export function complain({ about }: Variable<unknown>, text: string | null): string {
  const what =
    text === null
      ? `Cannot start without ${about.name}`
      : `Cannot use ${about.name} "${shown(about, text)}"`;
  return `${what}: accepted is ${about.accepts.replaceAll("`", '"')}`;
}

/** The text of a variable, null when it is unset. */
export type TextOf = (name: string) => string | null;

export interface Rules {
  /** Other variables that begin like this are mistakes of spelling. */
  readonly prefix?: string;
  /** Complaints about variables that do not go together. */
  readonly conflicts?: (textOf: TextOf) => readonly string[];
}

/** All values, or all problems. */
export function readTable<T extends Table>(
  table: T,
  environment: Environment,
  { prefix, conflicts = () => [] }: Rules = {},
): Reading<Values<T>> {
  const texts = Object.entries(table).map(
    ([key, { about }]) => [key, readText(environment, about.name)] as const,
  );
  const parsed = v.safeParse(v.object(table), Object.fromEntries(texts));
  const refused = new Set(parsed.issues?.map((issue) => issue.path?.[0].key));
  const problems = [
    ...(prefix === undefined ? [] : findUnknown(table, environment, prefix)),
    ...Object.entries(table)
      .filter(([key]) => refused.has(key))
      .map(([, one]) => complain(one, readText(environment, one.about.name))),
    ...conflicts((name) => readText(environment, name)),
  ];
  return parsed.success && problems.length === 0
    ? { kind: "ok", config: parsed.output }
    : { kind: "invalid", problems };
}

function findUnknown(table: Table, environment: Environment, prefix: string): string[] {
  const known = new Set(Object.values(table).map(({ about }) => about.name));
  return Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !known.has(name))
    .filter((name) => readText(environment, name) !== null)
    .map((name) => `Cannot use ${name}: there is no variable of this name`);
}

/** The texts in effect by variable, for the log: secrets masked, unset ones left out. */
export function describeTable(
  table: Table,
  environment: Environment,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.values(table).flatMap(({ about }) => {
      const text = readText(environment, about.name) ?? about.fallback;
      return text === null ? [] : [[about.name, shown(about, text)]];
    }),
  );
}
