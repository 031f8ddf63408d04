/** `urn:{[a-z]+}:x`: text with regular expressions between delimiters, as one pattern. Pure. */
import { BuiltinError } from "../builtin.ts";

export interface TemplatePattern {
  readonly pattern: string;
  /** Each of the expressions for itself: all of them have to be valid. */
  readonly parts: readonly string[];
}

export function toTemplatePattern(template: string, start: string, end: string): TemplatePattern {
  if (!isByte(start) || !isByte(end)) throw new BuiltinError("delimiters must be one character");
  const parts: string[] = [];
  let [pattern, level, open, from] = ["", 0, 0, 0];
  for (let at = 0; at < template.length; at += 1) {
    if (template[at] === start) {
      level += 1;
      if (level === 1) open = at;
    } else if (template[at] === end) {
      level -= 1;
      if (level < 0) throw new BuiltinError("delimiters are not balanced");
      if (level === 0) {
        const expression = template.slice(open + 1, at);
        parts.push(`^${expression}$`);
        pattern += `${quoteMeta(template.slice(from, open))}(${expression})`;
        from = at + 1;
      }
    }
  }
  if (level !== 0) throw new BuiltinError("delimiters are not balanced");
  return { pattern: `^${pattern}${quoteMeta(template.slice(from))}$`, parts };
}

/** Go counts bytes here, of which a character beyond ASCII has several. */
function isByte(text: string): boolean {
  return text.length === 1 && text < "\u0080";
}

function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}
