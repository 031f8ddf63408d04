/** Where policies may connect to: what `POLICY_HTTP_ALLOW` and `POLICY_HTTP_DENY` accept. Pure. */
import { isCidr } from "./value.ts";

export const acceptedReach = `a name, an address or a CIDR, with a port or without, or a Unix socket, such as "*.example.com:443" or "unix:/run/opa.sock"`;

const placePattern = /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/;
const namePattern = /^(?:\*\.)?[\w-]+(?:\.[\w-]+)*$/;

/** `api.example.com:443`, `*.example.org`, `[fd00::/8]:443`, `unix:/run/opa.sock`. */
export function isReach(text: string): boolean {
  // They are written as a comma-separated list.
  if (/[,\s\0]/.test(text)) return false;
  if (text.startsWith("unix:")) return text.startsWith("unix:/");
  const [, bracketed, plain, port = "1"] = placePattern.exec(text) ?? [];
  const place = bracketed ?? plain ?? text;
  if (Number(port) < 1 || Number(port) > 65_535) return false;
  return isCidr(place) || isHostName(place);
}

/** An address that is not written out, such as `10.1`, is a mistake and no name. */
function isHostName(text: string): boolean {
  const name = text.replace(/^\*\./, "");
  return namePattern.test(text) && name.length <= 253 && !/(?:^|\.)\d+$/.test(name);
}
