/** Mailboxes in certificates, taken apart as Go does it (RFC 2821, with the leniency of RFC 3696). Pure. */

export interface Mailbox {
  readonly local: string;
  readonly domain: string;
}

const quoted =
  // oxlint-disable-next-line no-control-regex -- the standard allows them between quotes
  /^"((?:[\u0001-\u0008\u000b\u000c\u000e-\u0021\u0023-\u005b\u005d-\u007f]|\\[\u0001-\u0009\u000b\u000c\u000e-\u007f])*)"@/;
const atoms = /^((?:[\w!#$%&'*+/=?^`{|}~.-]|\\[\s\S])+)@/;

/** null when it is no mailbox. The domain keeps its case. */
export function parseMailbox(text: string): Mailbox | null {
  const isQuoted = text.startsWith('"');
  const found = (isQuoted ? quoted : atoms).exec(text);
  if (found === null) return null;
  const local = (found[1] ?? "").replaceAll(/\\([\s\S])/g, "$1");
  const hasStrayDot = local.startsWith(".") || local.endsWith(".") || local.includes("..");
  const domain = text.slice(found[0].length);
  const isDomain = domain === "" || domain.split(".").every((label) => /^[!-~]+$/.test(label));
  return (!isQuoted && hasStrayDot) || !isDomain ? null : { local, domain };
}
