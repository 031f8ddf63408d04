/**
 * The characters of HTTP/1.1 (RFC 9110, 5.5 and 5.6; RFC 5234, B.1). Text is latin1: each character
 * is one byte; whatever is above 0xff is of no class. Pure.
 */

function classOf(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) =>
    pattern.test(String.fromCharCode(code)) ? 1 : 0,
  );
}

/** tchar (RFC 9110, 5.6.2). */
export const tokenChars = classOf(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/);
/** What a field value may consist of (RFC 9110, 5.5), and a reason phrase (RFC 9112, 4). */
export const valueChars = classOf(/[\t\x20-\x7e\x80-\xff]/);
/** VCHAR: what a request target may consist of. */
export const targetChars = classOf(/[\x21-\x7e]/);

export const tab = 0x09;
export const lf = 0x0a;
export const cr = 0x0d;
export const space = 0x20;
export const colon = 0x3a;

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What `valueChars` lacks; a class that is not negated is searched for faster by a quarter. */
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const invalidValue = /[\0-\x08\n-\x1f\x7f\u0100-\uffff]/;
const protocol = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?$/;

export function isToken(text: string): boolean {
  return token.test(text);
}

export function isFieldValue(text: string): boolean {
  return !invalidValue.test(text);
}

/** `websocket`, `h2c`, `IRC/6.9` (RFC 9110, 7.8). */
export function isProtocol(text: string): boolean {
  return protocol.test(text);
}

/**
 * The methods that Node's parser knows, too: what no application can receive is not forwarded, and
 * methods differ in case (RFC 9110, 9.1), so that `get` is not GET.
 */
export const methods: ReadonlySet<string> = new Set(
  (
    "ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR " +
    "MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH " +
    "SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE"
  ).split(" "),
);

/** Without the whitespace around it: spaces and tabs, and nothing that is so in Unicode only. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === space || code === tab;
}

/** Members of a list (RFC 9110, 5.6.1), without empty ones. */
export function listMembers(value: string): string[] {
  return value
    .split(",")
    .map(trimSpace)
    .filter((member) => member !== "");
}
