/** The document that a response is to a policy, as OPA has it. */
import { Operands, type Query, TimeIsUp } from "../builtin.ts";
import { RegoNumber } from "../number.ts";
import { findBuiltins } from "../registry.ts";
import { parseJson } from "../term.ts";
import { RegoObject, type Value } from "../value.ts";
import { firstOf, type Headers } from "./freshness.ts";

export interface Response {
  /** Code and phrase: `200 OK`. */
  readonly status: string;
  readonly statusCode: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export type Decoding = "json" | "yaml" | null;

export async function toAnswer(response: Response, decodes: Decoding): Promise<RegoObject> {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(response.body);
  return RegoObject.of({
    status: response.status,
    status_code: RegoNumber.of(response.statusCode),
    headers: new RegoObject(response.headers),
    body: await decode(text, decodes ?? decodingOf(firstOf(response.headers, "content-type"))),
    raw_body: text,
  });
}

/** null for what is not in the form it is said to be in, as in OPA. */
async function decode(text: string, decoding: Decoding): Promise<Value> {
  if (decoding === null) return null;
  if (decoding === "json") return readJson(text) ?? null;
  return readJson(text.replace(/^\uFEFF/, "")) ?? (await readYaml(text)) ?? null;
}

function readJson(text: string): Value | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Loaded when the first such body comes: hardly any policy needs it. */
async function readYaml(text: string): Promise<Value | undefined> {
  const name = "yaml.unmarshal";
  const { builtins } = await findBuiltins([name]);
  try {
    return builtins.get(name)?.(new Operands([text]), createQuery());
  } catch {
    return undefined;
  }
}

/** What takes longer to read is not worth it: all other requests wait. */
const maxReadingMs = 250;

/** Reading needs nothing from a query but an end. */
function createQuery(): Query {
  const end = performance.now() + maxReadingMs;
  return {
    now: () => 0n,
    random: (count) => new Uint8Array(count),
    answer: () => undefined,
    checkTime() {
      if (performance.now() > end) throw new TimeIsUp("the body takes too long to read");
    },
    memory: new Map(),
  };
}

function decodingOf(contentType: string): Decoding {
  if (isJson(contentType)) return "json";
  return /application\/(?:x-)?yaml/.test(contentType) ? "yaml" : null;
}

const parameter = /\s*;\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*([\w!#$%&'*+.^`|~-]+|"(?:[^"\\\r\n]|\\.)*")/y;

/** With parameters that are not as they should be, it is no type at all. */
function isJson(contentType: string): boolean {
  const [, type = ""] = /^([^;]*)/.exec(contentType) ?? [];
  if (!/^\s*application\/(?:json|[\w!#$%&'*+.^`|~-]*\+json)\s*$/i.test(type)) return false;
  const seen = new Map<string, string>();
  parameter.lastIndex = type.trimEnd().length;
  for (;;) {
    const at = parameter.lastIndex;
    const [, name = "", value = ""] = parameter.exec(contentType) ?? [];
    // A semicolon without a parameter may end it.
    if (name === "") return ["", ";"].includes(contentType.slice(at).trim());
    const key = name.toLowerCase();
    if ((seen.get(key) ?? value) !== value) return false;
    seen.set(key, value);
  }
}
