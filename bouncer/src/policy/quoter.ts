/**
 * JSON of values that hardly change from one request to the next, such as the name of the host: to
 * compare a value with the one before takes a fraction of writing it. Pure.
 */

export type Quote = (value: unknown) => string;

/** A longer text is not kept. */
export const maxKeptChars = 1024;

/** `value` is anything that JSON has. */
export function createQuoter(): Quote {
  let last: unknown;
  let text = "";
  return (value) => {
    if (value === last) return text;
    const written = JSON.stringify(value);
    if (written.length > maxKeptChars) return written;
    last = value;
    text = written;
    return text;
  };
}
