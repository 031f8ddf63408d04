/**
 * The request target: brought into the one form that policy and application both get, or refused
 * where the two could read it differently. Pure.
 */

export type TargetResult =
  | { readonly ok: true; readonly target: string; readonly authority: string | null }
  | {
      readonly ok: false;
      readonly reason: "bad_request" | "ambiguous_request";
      readonly detail: string;
    };

const absoluteForm = /^http:\/\/([^/?#]+)(.*)$/i;
const unreserved = /%(?:4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE]|3[0-9]|2[DE])/gi;

function refuse(reason: "bad_request" | "ambiguous_request", detail: string): TargetResult {
  return { ok: false, reason, detail };
}

/** Origin form, or absolute form (RFC 9112, 3.2) as origin form and authority. */
function splitAuthority(target: string): { origin: string; authority: string | null } {
  const [, authority, rest = ""] = absoluteForm.exec(target) ?? [];
  if (authority === undefined) return { origin: target, authority: null };
  return { origin: rest.startsWith("/") ? rest : `/${rest}`, authority };
}

/** What nearly all targets look like: nothing in it that two readers could take for two things. */
const plain = /^\/(?:[\w~-][\w.~-]*(?:\/[\w~-][\w.~-]*)*\/?)?(?:\?[!-"$-~]*)?$/;

export function readTarget(target: string, method = "GET"): TargetResult {
  if (plain.test(target)) return { ok: true, target, authority: null };
  // RFC 9112, 3.2.4: the server as a whole.
  if (target === "*" && method === "OPTIONS") return { ok: true, target, authority: null };
  const { origin, authority } = splitAuthority(target);
  if (!origin.startsWith("/")) return refuse("bad_request", "target is not a path");
  if (/[^\x21-\x7e]/.test(origin)) return refuse("bad_request", "target has invalid characters");
  if (origin.includes("#")) return refuse("bad_request", "target has a fragment");
  const mark = origin.indexOf("?");
  const end = mark === -1 ? origin.length : mark;
  // RFC 3986, 6.2.2.2: an encoded unreserved character is the character itself.
  const path = origin.slice(0, end).replaceAll(unreserved, (escape) => decodeURIComponent(escape));
  const problem = findAmbiguity(path);
  return problem === null
    ? { ok: true, target: path + origin.slice(end), authority }
    : refuse("ambiguous_request", problem);
}

/** What servers and frameworks disagree on, and what has carried requests past access rules. */
function findAmbiguity(path: string): string | null {
  if (path.includes("\\")) return "path has a backslash";
  if (path.includes("//")) return "path has an empty segment";
  if (/%(?![0-9a-f]{2})/i.test(path)) return "path has an invalid percent-encoding";
  if (/%2f|%5c/i.test(path)) return "path has an encoded slash or backslash";
  if (/%(?:[01][0-9a-f]|7f)/i.test(path)) return "path has an encoded control character";
  // A parameter after ";" is part of the segment to some, and dropped by others (Tomcat).
  if (/\/\.{1,2}(?:[;/]|%3b|$)/i.test(path)) return "path has a dot segment";
  return isUtf8(path) ? null : "path is not UTF-8";
}

function isUtf8(path: string): boolean {
  if (!path.includes("%")) return true;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

function decodeName(pair: string): string {
  const name = pair.split("=", 1)[0]?.replaceAll("+", " ") ?? "";
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Removes parameters, then sets others; what is not named stays as it was written. */
export function editQuery(
  target: string,
  remove: readonly string[],
  set: readonly (readonly [name: string, value: string])[],
): string {
  if (remove.length === 0 && set.length === 0) return target;
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  const pairs = mark === -1 ? [] : target.slice(mark + 1).split("&");
  const gone = new Set([...remove, ...set.map(([name]) => name)]);
  const query = [
    ...pairs.filter((pair) => pair !== "" && !gone.has(decodeName(pair))),
    ...set.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
  ].join("&");
  return query === "" ? path : `${path}?${query}`;
}
