/** Which texts are IPv6 addresses, with or without a zone (RFC 4291, 2.2; RFC 4007, 11). Pure. */

const octet = "(?:0|[1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-5])";
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`);

export function isIpv6(text: string): boolean {
  const percent = text.indexOf("%");
  const address = percent < 0 ? text : text.slice(0, percent);
  if (percent >= 0 && percent === text.length - 1) return false;
  const halves = address.split("::");
  if (halves.length > 2) return false;
  const groups = halves.map((half, index) => countGroups(half, index === halves.length - 1));
  if (groups.includes(-1)) return false;
  const total = groups.reduce((sum, count) => sum + count, 0);
  return halves.length === 2 ? total < 8 : total === 8;
}

/** Groups of 16 bits; -1: it is not valid. An IPv4 address may stand at the end, for two. */
function countGroups(text: string, isLast: boolean): number {
  if (text === "") return 0;
  let count = 0;
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (/^[\da-f]{1,4}$/i.test(group)) count += 1;
    else if (isLast && index === groups.length - 1 && ipv4.test(group)) count += 2;
    else return -1;
  }
  return count;
}
