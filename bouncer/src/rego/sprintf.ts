/**
 * Rego's `sprintf` for what policies write messages with: %s, %v, %d, %t, %q and %% on strings,
 * booleans and numbers. What Go's fmt would print for anything else is not guessed: it throws, and
 * the request is refused. Pure.
 */

const verb = /%(.?)/gsu;

const printers: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  s: (value) => (typeof value === "string" ? value : undefined),
  v: (value) => (typeof value === "string" ? value : (printNumber(value) ?? printBoolean(value))),
  d: (value) => (Number.isSafeInteger(value) ? String(value) : undefined),
  t: printBoolean,
  q: (value) => (isPlain(value) ? JSON.stringify(value) : undefined),
};

/** Go's and JavaScript's shortest forms agree in this range, outside of it exponents differ. */
function printNumber(value: unknown): string | undefined {
  if (typeof value !== "number") return undefined;
  if (Number.isSafeInteger(value)) return String(value);
  return Math.abs(value) >= 1e-4 && Math.abs(value) < 1e21 ? String(value) : undefined;
}

function printBoolean(value: unknown): string | undefined {
  return typeof value === "boolean" ? String(value) : undefined;
}

/** Printable ASCII: what Go quotes as JSON does. */
function isPlain(value: unknown): value is string {
  return typeof value === "string" && /^[\x20-\x7e]*$/.test(value);
}

export function formatText(format: unknown, values: unknown): string | undefined {
  if (typeof format !== "string" || !Array.isArray(values)) return undefined;
  const left: unknown[] = values.slice();
  const text = format.replace(verb, (whole, name: string) => {
    if (name === "%") return "%";
    const printed = left.length === 0 ? undefined : printers[name]?.(left.shift());
    if (printed === undefined) throw new Error(`sprintf: cannot print ${whole} in "${format}"`);
    return printed;
  });
  if (left.length > 0) throw new Error(`sprintf: too many values for "${format}"`);
  return text;
}
