/**
 * Documents without what must not get into audit records, from their JSON to JSON, which is there
 * already: it was the policy's input. The JSON pointers of what was masked are listed, as OPA's
 * decision logs do. Nothing is parsed and, where nothing is masked, nothing copied. Pure.
 */
import { createTargetMask, mask, type MaskTarget, secretKeys, targetKeys } from "./mask.ts";
import { endOfString, endOfValue, Place, unquote } from "./place.ts";
import { quote } from "./quote.ts";

export interface Masked {
  readonly text: string;
  /** JSON pointers (RFC 6901) below `root`. */
  readonly pointers: readonly string[];
}

/** `text`: as `JSON.stringify` writes it, without white space and needless escapes. */
export type MaskDocument = (text: string, root: string) => Masked;

const oneOf = (keys: ReadonlySet<string>): string => `(?:${[...keys].join("|")})`;

/**
 * A key whose value may have to be masked, and hardly any other: a secret one, and one of a target
 * with a sign of a query, or with an escape, behind which there might be one. A mark with a colon
 * stands at the end of keys only, and is escaped within strings. `iu`: whatever `toLowerCase` makes
 * one of these is found.
 */
const suspicious = new RegExp(
  `"(?:${oneOf(secretKeys)}":|${oneOf(targetKeys)}":(?="[^"=?]*[=?\\\\]))`,
  "giu",
);

const none: readonly string[] = [];
const hidden = quote(mask);

export function createDocumentMask(maskTarget: MaskTarget = createTargetMask()): MaskDocument {
  return (text, root) => {
    suspicious.lastIndex = 0;
    if (!suspicious.test(text)) return { text, pointers: none };
    const place = new Place(text);
    const pointers: string[] = [];
    let shown = "";
    let copied = 0;
    do {
      const start = suspicious.lastIndex;
      const open = text.lastIndexOf('"', start - 3);
      // The end of a longer key, with a mark in it.
      if (text.charCodeAt(open - 1) === backslash) continue;
      const value = maskValue(text, open, start, maskTarget);
      if (value === null) continue;
      pointers.push(root + place.moveTo(open));
      shown += text.slice(copied, start) + value;
      copied = endOfValue(text, start);
      // What is in a value that is hidden is hidden with it.
      suspicious.lastIndex = copied;
    } while (suspicious.test(text));
    return { text: shown + text.slice(copied), pointers };
  };
}

const backslash = 0x5c;

/** What is shown in place of the value at `start`, of the key at `open`; null: it stays. */
function maskValue(
  text: string,
  open: number,
  start: number,
  maskTarget: MaskTarget,
): string | null {
  const key = text.slice(open + 1, start - 2);
  if (secretKeys.has(key.toLowerCase())) return text.startsWith("null", start) ? null : hidden;
  if (!targetKeys.has(key)) return null;
  const target = unquote(text.slice(start, endOfString(text, start)));
  const shown = maskTarget(target);
  return shown === target ? null : quote(shown);
}
