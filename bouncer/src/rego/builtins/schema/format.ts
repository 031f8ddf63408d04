/** The formats of strings that OPA knows in schemas; any other one holds for every string. */
import { parseAddress } from "../../net/address.ts";
import { parseUrl } from "../../text/url.ts";
import { toPattern } from "./compile.ts";

const date = /^(\d{4})-(\d\d)-(\d\d)$/;
const clock = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d+)?$/;
const zone = /(?:Z|[-+](?:[01]\d|2[0-4]):[0-5]\d|[-+]\d\d:60)$/;

function isDate(text: string): boolean {
  const found = date.exec(text);
  if (found === null) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.valueOf()) && parsed.toISOString().startsWith(text);
}

function isTime(text: string): boolean {
  return clock.test(text.replace(zone, ""));
}

function isDateTime(text: string): boolean {
  const [day, time] = [text.slice(0, 10), text.slice(11)];
  const isMoment = text.charAt(10) === "T" && zone.test(time);
  return isTime(text) || isDate(text) || (isDate(day) && isMoment && isTime(time));
}

const hostname =
  /^[a-zA-Z\d](?:[a-zA-Z\d-]{0,61}[a-zA-Z\d])?(?:\.[a-zA-Z\d](?:[a-zA-Z\d-]{0,61}[a-zA-Z\d])?)*$/;
const uuid = /^[a-f\d]{8}-[a-f\d]{4}-[a-f\d]{4}-[a-f\d]{4}-[a-f\d]{12}$/i;
const pointer = /^(?:\/(?:[^~/]|~[01])*)*$/;
const relativePointer = /^(?:0|[1-9]\d*)(?:#|(?:\/(?:[^~/]|~[01])*)*)$/;
/** A name in front of angle brackets may be there; quoted parts and domains in brackets as well. */
const atom = "[\\w!#$%&'*+/=?^`{|}~\\u0080-\\u{10ffff}-]+";
const address = `(?:${atom}(?:\\.${atom})*|"(?:[^"\\\\\\r\\n]|\\\\.)*")@${atom}(?:\\.${atom})*`;
const email = new RegExp(`^\\s*(?:${address}|[^<>@]*<${address}>)\\s*$`, "u");

function readUri(text: string): { readonly scheme: string; readonly path: string } | null {
  try {
    const { scheme, path } = parseUrl(text);
    return text.includes("\\") ? null : { scheme, path };
  } catch {
    return null;
  }
}

function isBalanced(path: string): boolean {
  const rest = path.replaceAll(/\{[^}]*\}/g, "");
  return !rest.includes("{");
}

function isUri(text: string): boolean {
  return (readUri(text)?.scheme ?? "") !== "";
}

const isReference = (text: string): boolean => readUri(text) !== null;
const isEmail = (text: string): boolean => text.length < 1000 && email.test(text);

const formats: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ["date", isDate],
  ["time", isTime],
  ["date-time", isDateTime],
  ["hostname", (text) => text.length < 256 && hostname.test(text)],
  ["email", isEmail],
  ["idn-email", isEmail],
  ["ipv4", (text) => text.includes(".") && parseAddress(text) !== null],
  ["ipv6", (text) => text.includes(":") && parseAddress(text) !== null],
  ["uri", isUri],
  ["uri-reference", isReference],
  ["iri", isUri],
  ["iri-reference", isReference],
  ["uri-template", (text) => isBalanced(readUri(text)?.path ?? "{")],
  ["uuid", (text) => uuid.test(text)],
  ["regex", (text) => toPattern(text) !== null],
  ["json-pointer", (text) => pointer.test(text)],
  ["relative-json-pointer", (text) => relativePointer.test(text)],
]);

export function isFormat(name: string, text: string): boolean {
  return formats.get(name)?.(text) ?? true;
}
