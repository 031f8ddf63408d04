/** Lines out of bytes that come in pieces, which end anywhere: also within a character. Pure. */

export interface LineReader {
  /** The lines that are complete now. Throws when one is too long, or is not UTF-8. */
  readonly push: (piece: Uint8Array) => string[];
}

const newline = 0x0a;

export function createLineReader(maxBytes: number): LineReader {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let begun: Uint8Array[] = [];
  let begunBytes = 0;

  const add = (part: Uint8Array): void => {
    begunBytes += part.length;
    if (begunBytes > maxBytes) throw new Error(`a line is longer than ${maxBytes} bytes`);
    begun.push(part);
  };
  const take = (): string => {
    // No character of several bytes has a newline's, so a whole line has whole characters.
    const line = decoder.decode(concat(begun, begunBytes));
    begun = [];
    begunBytes = 0;
    return line;
  };

  return {
    push: (piece) => {
      const lines: string[] = [];
      let from = 0;
      for (let end = piece.indexOf(newline); end !== -1; end = piece.indexOf(newline, from)) {
        add(piece.subarray(from, end));
        const line = take();
        if (line.trim() !== "") lines.push(line);
        from = end + 1;
      }
      if (from < piece.length) add(piece.subarray(from));
      return lines;
    },
  };
}

function concat(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
