/**
 * Bodies of `multipart/form-data` (RFC 7578), read more strictly than applications do: what two
 * parsers could take for different fields is an error. Throws SyntaxError. Pure.
 */

export interface Part {
  readonly name: string;
  /** Lower-case media type without parameters; `text/plain` when there is none. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

const maxParts = 256;
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** RFC 2046, section 5.1.1. */
const boundaryForm = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

/** null when the content type names no boundary, or one that cannot be. */
export function readBoundary(contentType: string): string | null {
  const pattern = new RegExp(`;\\s*boundary=(?:"([^"\\\\]*)"|(${token}))\\s*(?=;|$)`, "gi");
  const found = [...contentType.matchAll(pattern)];
  const boundary = found[0]?.[1] ?? found[0]?.[2];
  return found.length === 1 && boundary !== undefined && boundaryForm.test(boundary)
    ? boundary
    : null;
}

export function parseMultipart(body: Uint8Array, boundary: string): readonly Part[] {
  // One character for each byte: what is searched for is ASCII.
  const text = Array.from(body, (byte) => String.fromCharCode(byte)).join("");
  const delimiter = `\r\n--${boundary}`;
  // What stands before the first delimiter is nothing (RFC 2046 lets it be ignored: not here).
  const [preamble, ...sections] = `\r\n${text}`.split(delimiter);
  const end = sections.pop();
  if (preamble !== "" || (end !== "--" && end !== "--\r\n")) {
    throw new SyntaxError("the multipart body does not begin and end with its boundary");
  }
  if (sections.length > maxParts) throw new SyntaxError(`it has more than ${maxParts} parts`);
  return sections.map(parsePart);
}

function parsePart(section: string): Part {
  const head = section.indexOf("\r\n\r\n");
  if (!section.startsWith("\r\n") || head < 0)
    throw new SyntaxError("a part has no header section");
  const headers = parseHeaders(section.slice(2, head));
  const name = readName(headers.get("content-disposition"));
  // RFC 7578, section 4.7: deprecated; some readers decode the bytes and some do not.
  if (!/^(?:7bit|8bit|binary)$/i.test(headers.get("content-transfer-encoding") ?? "binary")) {
    throw new SyntaxError("a part has a Content-Transfer-Encoding");
  }
  const type = (headers.get("content-type") ?? "text/plain").split(";", 1)[0] ?? "";
  const bytes = Uint8Array.from(section.slice(head + 4), (character) => character.charCodeAt(0));
  return { name, type: type.trim().toLowerCase(), bytes };
}

function parseHeaders(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const [, name, value] =
      new RegExp(`^(${token}):[ \\t]*([\\t\\x20-\\x7e\\x80-\\xff]*)$`).exec(line) ?? [];
    const key = name?.toLowerCase();
    if (key === undefined || value === undefined || headers.has(key)) {
      throw new SyntaxError(`a part has the header line ${JSON.stringify(line)}`);
    }
    headers.set(key, value.trim());
  }
  return headers;
}

/** One name, in quotes or as a token; `name*` and escapes are read in too many ways. */
function readName(disposition: string | undefined): string {
  const pattern = new RegExp(`;\\s*([^\\s=;]+)=(?:"([^"\\\\]*)"|(${token}))\\s*(?=;|$)`, "g");
  const parameters = [...(disposition ?? "").matchAll(pattern)];
  const rest = (disposition ?? "").replaceAll(pattern, "").trim().toLowerCase();
  const names = parameters.filter(([, key = ""]) => key.toLowerCase() === "name");
  const name = names[0]?.[2] ?? names[0]?.[3];
  const isPlain = parameters.every(([, key = ""]) => !key.includes("*"));
  if (rest !== "form-data" || !isPlain || names.length !== 1 || (name ?? "") === "") {
    throw new SyntaxError("a part has no clear name in its Content-Disposition");
  }
  return decodeLatin1(name ?? "");
}

/** Names are UTF-8 (RFC 7578, section 5.1). */
function decodeLatin1(text: string): string {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
