/** `uri.*`. Pure. */
import { type Builtin, BuiltinError, type Builtins } from "../builtin.ts";
import { parseUrl, type Url } from "../text/url.ts";
import { fromByteString, toByteString } from "../text/utf8.ts";
import { RegoObject } from "../value.ts";

const fields: readonly (readonly [name: string, take: (url: Url) => string])[] = [
  ["scheme", (url) => url.scheme],
  ["hostname", (url) => url.hostname],
  ["port", (url) => url.port],
  ["path", (url) => url.path],
  ["raw_path", (url) => url.rawPath],
  ["raw_query", (url) => url.rawQuery],
  ["fragment", (url) => url.fragment],
];

const parse: Builtin = (operands) => {
  const url = parseUrl(toByteString(operands.string(0)));
  return new RegoObject(
    fields
      .map(([name, take]) => [name, fromByteString(take(url))] as const)
      .filter(([, text]) => text !== ""),
  );
};

/** The empty text is a relative URL, but never what a policy means. */
const isValid: Builtin = (operands) => {
  const text = operands.value(0);
  if (typeof text !== "string" || text === "") return false;
  try {
    parseUrl(toByteString(text));
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
};

export const builtins: Builtins = { "uri.is_valid": isValid, "uri.parse": parse };
