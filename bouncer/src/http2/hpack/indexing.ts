/** Which fields an encoder puts into the table that it shares with its peer (RFC 7541, 6.2 and 7.1). Pure. */

/** `index`: into the table; `literal`: as it is; `never`: as it is, by us and by all after us. */
export type Indexing = "index" | "literal" | "never";
export type DecideIndexing = (name: string, value: string) => Indexing;

/** Too short to be safe from being guessed by its effect on the size (RFC 7541, 7.1.3). */
const shortCookie = 20;

/**
 * Credentials never; anything else from the second time on that its value is seen, so that what is
 * different in each message (dates, ids) does not drive out what is the same in all.
 */
export function createIndexing(): DecideIndexing {
  // Only for connections on which something is sent. Two values for each hash, the newer first: what
  // is forgotten costs a few bytes, nothing else.
  let seen: string[] | null = null;
  return (name, value) => {
    if (isSecret(name, value)) return "never";
    seen ??= Array.from({ length: 128 }, () => "");
    const slot = (hash(name, value) & 63) * 2;
    const newer = seen[slot] ?? "";
    if (newer === value || seen[slot + 1] === value) return "index";
    seen[slot + 1] = newer;
    seen[slot] = value;
    return "literal";
  };
}

function isSecret(name: string, value: string): boolean {
  switch (name) {
    case "authorization":
    case "proxy-authorization":
      return true;
    case "cookie":
    case "set-cookie":
      return value.length < shortCookie;
    default:
      return false;
  }
}

function hash(name: string, value: string): number {
  let result = name.length * 31 + value.length;
  const step = value.length > 32 ? value.length >> 4 : 1;
  for (let at = 0; at < value.length; at += step) {
    result = (Math.imul(result, 31) + value.charCodeAt(at)) | 0;
  }
  return result ^ (result >>> 15);
}
