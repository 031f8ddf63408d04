/** Offsets and abbreviations of time zones, as Go reads them in times. Pure. */

/**
 * Seconds east of Greenwich; null when the text is not of the element's form: `-0700`, `Z07:00`.
 * Of hours, minutes and seconds, Go lets the first number pass that is too large: 24 and 60.
 */
export function readOffset(text: string, element: string): number | null {
  if (text.length < element.length) return null;
  const form = element.includes(":")
    ? /^([-+])(\d\d):(\d\d)(?::(\d\d))?$/
    : /^([-+])(\d\d)(?:(\d\d)(\d\d)?)?$/;
  const [, sign, ...numbers] = form.exec(text) ?? [];
  if (sign === undefined) return null;
  const [hours = 0, minutes = 0, seconds = 0] = numbers.map((number?: string) =>
    Number(number ?? 0),
  );
  if (hours > 24 || minutes > 60 || seconds > 60) return null;
  const size = (hours * 60 + minutes) * 60 + seconds;
  return sign === "-" ? -size : size;
}

/**
 * How many characters at the start look like the abbreviation of a zone, 0 when none do: three
 * capitals, four or five that end in T, some exceptions, and `GMT` or nothing with an offset.
 */
export function readZoneName(text: string): number {
  if (text.length < 3) return 0;
  if (/^(?:ChST|MeST)/.test(text)) return 4;
  if (text.startsWith("GMT")) return 3 + readHours(text.slice(3));
  if (/^[-+]/.test(text)) return readHours(text);
  const capitals = /^[A-Z]{0,6}/.exec(text)?.[0] ?? "";
  if (capitals.length === 3) return 3;
  const isName = capitals === "WITA" || (/^.{4,5}$/.test(capitals) && capitals.endsWith("T"));
  return isName ? capitals.length : 0;
}

/** The length of a sign with hours up to 23, 0 for anything else. */
function readHours(text: string): number {
  const found = /^[-+]\d+/.exec(text)?.[0] ?? "";
  return found !== "" && Number(found.slice(1)) <= 23 ? found.length : 0;
}
