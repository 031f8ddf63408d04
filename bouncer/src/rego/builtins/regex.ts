/**
 * `regex.*` that the Wasm module does not have. The time a search takes grows with the length of
 * the text only, whatever the pattern: both may come from a request. Pure.
 */
import { type Matcher, RE2JS } from "re2js";
import { type Builtin, BuiltinError, type Builtins, type Query } from "../builtin.ts";
import { takeInt64 } from "../text/int64.ts";
import { toKnownNames } from "../text/property-name.ts";
import { expand, type Part, parseReplacement } from "../text/replacement.ts";
import { toTemplatePattern } from "../text/template-pattern.ts";

/** Patterns are few as a rule, and each may take megabytes for its automaton. */
const maxCompiled = 32;

/** A replacement of a text with itself several times over would grow without bound. */
const maxLength = 2 ** 24;

const compiled = new Map<string, RE2JS>();

function compile(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(toKnownNames(pattern));
  } catch (error) {
    throw new BuiltinError("the pattern is not a regular expression", { cause: error });
  }
  const [oldest] = compiled.keys();
  if (compiled.size >= maxCompiled && oldest !== undefined) compiled.delete(oldest);
  compiled.set(pattern, regex);
  return regex;
}

/** Its time is at most that of each character in each state: once begun, a search is not stopped. */
function checkSearch(query: Query, pattern: string, text: string): void {
  query.checkTime(pattern.length * text.length);
}

interface Search {
  readonly regex: RE2JS;
  readonly text: string;
  readonly query: Query;
}

/** Calls `found` at each match, `limit` times at most. */
function findAll(search: Search, limit: number, found: (matcher: Matcher) => void): void {
  const matcher = search.regex.matcher(search.text);
  let [left, end] = [limit < 0 ? Number.POSITIVE_INFINITY : limit, -1];
  while (left > 0 && matcher.find()) {
    search.query.checkTime();
    // Right after a match, there is no empty one.
    const isAccepted = matcher.end() > matcher.start() || matcher.start() !== end;
    end = matcher.end();
    if (isAccepted) {
      found(matcher);
      left -= 1;
    }
  }
}

const findN: Builtin = (operands, query) => {
  const [pattern, text, limit] = [operands.string(0), operands.string(1), takeInt64(operands, 2)];
  checkSearch(query, pattern, text);
  const matches: string[] = [];
  findAll({ regex: compile(pattern), text, query }, limit, (matcher) => {
    matches.push(text.slice(matcher.start(), matcher.end()));
  });
  return matches;
};

const split: Builtin = (operands, query) => {
  const [pattern, text] = [operands.string(0), operands.string(1)];
  const regex = compile(pattern);
  checkSearch(query, pattern, text);
  if (pattern !== "" && text === "") return [""];
  const parts: string[] = [];
  let [start, end] = [0, 0];
  findAll({ regex, text, query }, -1, (matcher) => {
    end = matcher.start();
    if (matcher.end() !== 0) parts.push(text.slice(start, end));
    start = matcher.end();
  });
  return end === text.length ? parts : [...parts, text.slice(start)];
};

const replace: Builtin = (operands, query) => {
  const [text, pattern] = [operands.string(0), operands.string(1)];
  const regex = compile(pattern);
  checkSearch(query, pattern, text);
  const replacement = parseReplacement(operands.string(2), regex.namedGroups());
  const parts: string[] = [];
  let [start, length] = [0, text.length];
  findAll({ regex, text, query }, -1, (matcher) => {
    const put = putGroups(replacement, matcher);
    length += put.length;
    if (length > maxLength) throw new BuiltinError(`the text is longer than ${maxLength}`);
    parts.push(text.slice(start, matcher.start()), put);
    start = matcher.end();
  });
  return parts.join("") + text.slice(start);
};

function putGroups(replacement: readonly Part[], matcher: Matcher): string {
  return expand(replacement, (group) =>
    group > matcher.groupCount() ? "" : (matcher.group(group) ?? ""),
  );
}

const templateMatch: Builtin = (operands, query) => {
  const [template, text] = [operands.string(0), operands.string(1)];
  const { pattern, parts } = toTemplatePattern(template, operands.string(2), operands.string(3));
  for (const part of parts) compile(part);
  checkSearch(query, pattern, text);
  return compile(pattern).test(text);
};

export const builtins: Builtins = {
  "regex.find_n": findN,
  "regex.replace": replace,
  "regex.split": split,
  "regex.template_match": templateMatch,
};
