/**
 * `parsed_body`: a body as its content type says, read at least as strictly as any application
 * would, so that the policy judges what the application will see. Throws on a body that is not what
 * it claims to be. Pure.
 */
import { parse } from "lossless-json";
import type { RequestBody } from "./decision.ts";
import { parseMultipart, readBoundary } from "./multipart.ts";
import { findFormProblem, parseForm } from "./target.ts";

/** Far beyond any real document, far below any stack. */
const maxDepth = 256;

/** Null when there is nothing to parse, as in the plugin. */
export function parseBody(contentType: string | undefined, body: RequestBody | null): unknown {
  if (body === null || body.truncated || body.bytes.byteLength === 0) return null;
  const type = contentType?.toLowerCase() ?? "";
  if (type.includes("application/json")) return parseJson(decode(body.bytes));
  if (type.includes("application/x-www-form-urlencoded")) {
    const text = decode(body.bytes);
    const problem = findFormProblem(text);
    if (problem !== null) throw new SyntaxError(`the form has ${problem}`);
    return Object.fromEntries(parseForm(text));
  }
  return type.includes("multipart/form-data") ? parseParts(contentType ?? "", body.bytes) : null;
}

/** Name to values, as of any form; a part that says that it is JSON is one. */
function parseParts(contentType: string, bytes: Uint8Array): unknown {
  const boundary = readBoundary(contentType);
  if (boundary === null) throw new SyntaxError("the multipart body has no clear boundary");
  const form = new Map<string, unknown[]>();
  for (const { name, type, bytes: value } of parseMultipart(bytes, boundary)) {
    const values = form.get(name) ?? [];
    form.set(name, values);
    const isJson = type.includes("application/json");
    values.push(isJson ? parseJson(decode(value)) : decodeLossy(value));
  }
  return Object.fromEntries(form);
}

/** Files are not text; what stands in them is nothing to decide by. */
function decodeLossy(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** Two values for one name are refused: parsers differ in which one they take (RFC 8259, 4). */
function parseJson(text: string): unknown {
  const value = parse(text, null, {
    parseNumber,
    onDuplicateKey: ({ key }) => {
      throw new SyntaxError(`the name ${JSON.stringify(key)} is in an object twice`);
    },
  });
  checkValue(value, 0);
  return value;
}

/** A number that a double would change goes to the policy as it was written. */
export function parseNumber(text: string): unknown {
  const number = Number(text);
  // For one reader infinite, for another an error, for the evaluator nothing at all.
  if (!Number.isFinite(number)) throw new SyntaxError(`the number ${text} is too large`);
  return String(number) === text || Number.isSafeInteger(number) ? number : JSON.rawJSON(text);
}

/** Half a surrogate pair is in no UTF-8 text, and the evaluator refuses it. */
function checkValue(value: unknown, depth: number): void {
  if (depth > maxDepth) throw new SyntaxError(`the body is nested deeper than ${maxDepth}`);
  if (typeof value === "string" && !value.isWellFormed()) {
    throw new SyntaxError("the body has half a surrogate pair");
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    checkValue(key, depth);
    checkValue(member, depth + 1);
  }
}
