/**
 * A request target in origin form, taken apart as OPA's Envoy plugin does. The data path has
 * refused what an application could read in another way; only the query is left as it came. Pure.
 */

function pathOf(target: string): string {
  const end = target.indexOf("?");
  return end < 0 ? target : target.slice(0, end);
}

const slash = 0x2f;

/** Decoded first and split then, as in the plugin; `/` has one segment, which is empty. */
export function parsePath(target: string): readonly string[] {
  const path = decodePercent(pathOf(target));
  let start = 0;
  while (path.charCodeAt(start) === slash) start += 1;
  return path.slice(start).split("/");
}

/** What follows the first `?`. */
export function queryOf(target: string): string {
  const start = target.indexOf("?");
  return start < 0 ? "" : target.slice(start + 1);
}

/** `application/x-www-form-urlencoded` without a problem: every name with all its values. */
export function parseForm(text: string): ReadonlyMap<string, readonly string[]> {
  const form = new Map<string, string[]>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const name = decodeField(at < 0 ? pair : pair.slice(0, at));
    const values = form.get(name) ?? [];
    values.push(at < 0 ? "" : decodeField(pair.slice(at + 1)));
    form.set(name, values);
  }
  return form;
}

function decodeField(text: string): string {
  return decodePercent(text.replaceAll("+", " "));
}

/**
 * What applications read in different ways, or null: a bad escape is dropped, an error or taken as
 * it is; `;` separates pairs for some. The plugin refuses both, too.
 */
export function findFormProblem(text: string): string | null {
  if (/%(?![\da-f]{2})/i.test(text)) return "a % that is not followed by two hex digits";
  return text.includes(";") ? 'a ";" that is not encoded' : null;
}

/** Bytes that are not UTF-8 become U+FFFD, as they do in the plugin. */
function decodePercent(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/(?:%[\da-f]{2})+/gi, (run) => {
    const bytes = run
      .slice(1)
      .split("%")
      .map((hex) => Number.parseInt(hex, 16));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  });
}
