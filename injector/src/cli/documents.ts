/**
 * The documents of a file, each with the exact text it came from, so that what is not changed goes
 * out byte for byte. The texts together are the file.
 */
import { dump, loadAll, YAMLException } from "js-yaml";
import { isEqual } from "../inject/equal.ts";
import { kubernetesSchema, writingSchema } from "./schema.ts";

export interface Document {
  readonly text: string;
  /** null: nothing but comments. */
  readonly value: unknown;
}

export type ReadDocuments =
  | { readonly ok: true; readonly documents: readonly Document[] }
  | { readonly ok: false; readonly problems: readonly string[] };

const isStart = (line: string) => /^---(\s|$)/.test(line);
const isEnd = (line: string) => /^\.\.\.(\s|$)/.test(line);
const isDirective = (line: string) => line.startsWith("%");
const isBlank = (line: string) => /^\s*(#.*)?$/.test(line.trimEnd());

const byteOrderMark = "\uFEFF";
const markOf = (text: string) => (text.startsWith(byteOrderMark) ? byteOrderMark : "");
/** What stands above the content of a document, and can stay when that changes. */
const isHeader = (line: string) =>
  isBlank(line) || isDirective(line) || /^---\s*(#.*)?$/.test(line.trimEnd());

/** The texts together are the whole. */
const splitLines = (text: string) => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/**
 * Markers at the start of a line end a document even inside a block scalar (YAML 1.2, 9.1.2), so
 * lines are all one needs to see. Directives belong to the marker that follows them.
 */
function splitText(text: string): string[] {
  const parts: string[] = [];
  const mark = markOf(text);
  let current = mark;
  let hasDirective = false;
  for (const line of splitLines(text.slice(mark.length))) {
    if (isStart(line) && !hasDirective && !["", byteOrderMark].includes(current)) {
      parts.push(current);
      current = "";
    }
    hasDirective = isDirective(line) || (hasDirective && isBlank(line));
    current += line;
    if (isEnd(line)) {
      parts.push(current);
      current = "";
    }
  }
  return current === "" ? parts : [...parts, current];
}

export function readDocuments(text: string): ReadDocuments {
  const documents: Document[] = [];
  const problems: string[] = [];
  let line = 1;
  for (const [index, part] of splitText(text).entries()) {
    try {
      documents.push({ text: part, value: parse(part) });
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      problems.push(
        `document ${index + 1}, line ${line + (error.mark?.line ?? 0)}: ${error.reason}`,
      );
    }
    line += part.split("\n").length - 1;
  }
  return problems.length === 0 ? { ok: true, documents } : { ok: false, problems };
}

function parse(text: string): unknown {
  const [value = null, ...more] = loadAll(text, { schema: kubernetesSchema, maxDepth: 1000 });
  if (more.length > 0) throw new YAMLException("line breaks must be \\n or \\r\\n");
  return value;
}

export type WrittenDocument =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string };

/** The document's text with another value: JSON stays JSON, the comments above it stay. */
export function rewriteDocument(document: Document, value: unknown): WrittenDocument {
  const inexact = findInexact(value, []);
  if (inexact !== null) {
    const problem = `${inexact}: the number is too large to be kept exactly; quote it if it is text`;
    return { ok: false, problem };
  }
  const text = isJson(document.text)
    ? formatJson(document.text, value)
    : formatYaml(document.text, value);
  return isEqual(parse(text), value)
    ? { ok: true, text }
    : { ok: false, problem: "it cannot be written as YAML that reads the same" };
}

/** Path of a number that JavaScript may have rounded, or that JSON does not have. */
function findInexact(value: unknown, path: readonly string[]): string | null {
  if (typeof value === "number") {
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? null : path.join(".");
  }
  if (typeof value !== "object" || value === null) return null;
  for (const [key, item] of Object.entries(value)) {
    const inexact = findInexact(item, [...path, key]);
    if (inexact !== null) return inexact;
  }
  return null;
}

function isJson(text: string): boolean {
  if (!/^\uFEFF?\s*\{/.test(text)) return false;
  try {
    JSON.parse(text.replace(/^\uFEFF/, ""));
    return true;
  } catch {
    return false;
  }
}

function formatJson(text: string, value: unknown): string {
  const indent = /\{\r?\n([ \t]+)"/.exec(text)?.[1] ?? "";
  const [, before = "", after = ""] = /^(\uFEFF?\s*)[^]*?(\s*)$/.exec(text) ?? [];
  return `${before}${withLineEnds(text, JSON.stringify(value, null, indent))}${after}`;
}

function formatYaml(text: string, value: unknown): string {
  const mark = markOf(text);
  const lines = splitLines(text.slice(mark.length));
  const first = lines.findIndex((line) => !isHeader(line));
  const header = lines.slice(0, first).join("");
  const marker = isStart(lines[first] ?? "") ? "---\n" : "";
  const footer = lines.filter(isEnd).join("");
  const body = dump(value, { schema: writingSchema, lineWidth: -1, noRefs: true });
  return mark + header + withLineEnds(text, marker + body) + footer;
}

function withLineEnds(like: string, text: string): string {
  return like.includes("\r\n") ? text.replaceAll("\n", "\r\n") : text;
}
