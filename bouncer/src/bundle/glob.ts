/**
 * Patterns of file names as Go's `filepath.Match` has them, which OPA takes for the files that a
 * signature leaves out: `*` and `?` do not cross a slash, `[a-z]` and `[^a-z]`, `\` before what is
 * meant as it is. Pure.
 */

type Piece =
  | { readonly kind: "any" }
  | {
      readonly kind: "one";
      readonly isMatch: (char: string) => boolean;
    };

/** null for what is no pattern. */
export function parseGlob(text: string): ((path: string) => boolean) | null {
  const chars = Array.from(text);
  const pieces: Piece[] = [];
  for (let at = 0; at < chars.length;) {
    const read = readPiece(chars, at);
    if (read === null) return null;
    pieces.push(read.piece);
    at = read.next;
  }
  return (path) => matches(pieces, Array.from(path));
}

interface Read {
  readonly piece: Piece;
  readonly next: number;
}

function readPiece(chars: readonly string[], at: number): Read | null {
  const char = chars[at];
  if (char === "*") return { piece: { kind: "any" }, next: at + 1 };
  if (char === "?") return { piece: { kind: "one", isMatch: (one) => one !== "/" }, next: at + 1 };
  if (char === "[") return readClass(chars, at + 1);
  const literal = readLiteral(chars, at);
  if (literal === null) return null;
  const isMatch = (one: string): boolean => one === literal.char;
  return { piece: { kind: "one", isMatch }, next: literal.next };
}

function readLiteral(chars: readonly string[], at: number): { char: string; next: number } | null {
  const offset = chars[at] === "\\" ? 1 : 0;
  const char = chars[at + offset];
  return char === undefined ? null : { char, next: at + offset + 1 };
}

function readClass(chars: readonly string[], start: number): Read | null {
  const isNegated = chars[start] === "^";
  const ranges: (readonly [string, string])[] = [];
  let at = isNegated ? start + 1 : start;
  while (chars[at] !== "]" || ranges.length === 0) {
    if (chars[at] === "-" || chars[at] === "]") return null;
    const low = readLiteral(chars, at);
    if (low === null) return null;
    at = low.next;
    let high = low;
    if (chars[at] === "-") {
      const found = chars[at + 1] === "]" ? null : readLiteral(chars, at + 1);
      if (found === null) return null;
      high = found;
      at = found.next;
    }
    ranges.push([low.char, high.char]);
  }
  const isMatch = (one: string): boolean => {
    const code = one.codePointAt(0) ?? 0;
    const isIn = ranges.some(
      ([low, high]) => (low.codePointAt(0) ?? 0) <= code && code <= (high.codePointAt(0) ?? 0),
    );
    return isIn !== isNegated && one !== "/";
  };
  return { piece: { kind: "one", isMatch }, next: at + 1 };
}

/** Goes back to the last `*` only, so that the time is bounded by the product of the lengths. */
function matches(pieces: readonly Piece[], path: readonly string[]): boolean {
  let [piece, char] = [0, 0];
  let star: { piece: number; char: number } | null = null;
  while (char < path.length || piece < pieces.length) {
    const wanted = pieces[piece];
    const found = path[char];
    if (wanted?.kind === "any") {
      star = { piece, char };
      piece += 1;
    } else if (wanted !== undefined && found !== undefined && wanted.isMatch(found)) {
      piece += 1;
      char += 1;
    } else if (star !== null && path[star.char] !== undefined && path[star.char] !== "/") {
      star.char += 1;
      piece = star.piece + 1;
      char = star.char;
    } else return false;
  }
  return true;
}
