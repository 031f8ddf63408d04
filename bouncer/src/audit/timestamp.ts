/** Times in RFC 3339, in UTC, to the millisecond. Of records that are made one after the other. Pure. */

/** As `Date.toISOString`, which is asked only once for each second. */
export function createTimestamps(): (ms: number) => string {
  let second = Number.NaN;
  let prefix = "";
  return (ms) => {
    const whole = Math.trunc(ms);
    const now = Math.floor(whole / 1000);
    if (now !== second) {
      prefix = new Date(now * 1000).toISOString().slice(0, -4);
      second = now;
    }
    const rest = whole - now * 1000;
    return `${prefix}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
  };
}
