/** Subjects and issuers, in the shape of Go's pkix.Name. Pure. */
import { BuiltinError } from "../builtin.ts";
import { Der, type Element, tags } from "./der.ts";
import type { Json } from "./go-json.ts";

export interface Attribute {
  readonly Type: readonly number[];
  readonly Value: Json;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf16 = new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true });

// With `*` and `&`, which the standard leaves out and certificates have.
const printable = /^[A-Za-z\d'()+,\-./ :=?*&]*$/;

export function readIa5(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte >= 0x80)) throw new BuiltinError("not an IA5String");
  return readLatin1(bytes);
}

/** The decoder of that name is one for windows-1252, which differs in 0x80 to 0x9f. */
function readLatin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function matching(text: string, form: RegExp): string {
  if (!form.test(text)) throw new BuiltinError("a character that the string type does not have");
  return text;
}

function decodeStrictly(decoder: typeof utf8, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new BuiltinError("not the text it claims to be", { cause: error });
  }
}

function readBmp(bytes: Uint8Array): string {
  const hasTerminator = bytes.length >= 2 && bytes.at(-1) === 0 && bytes.at(-2) === 0;
  const text = decodeStrictly(utf16, hasTerminator ? bytes.subarray(0, -2) : bytes);
  return matching(text, /^[^\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]*$/);
}

export function readString({ tag, content }: Element): string {
  switch (tag) {
    case tags.t61String:
      return readLatin1(content);
    case tags.printableString:
      return matching(readLatin1(content), printable);
    case tags.utf8String:
      return decodeStrictly(utf8, content);
    case tags.bmpString:
      return readBmp(content);
    case tags.ia5String:
      return readIa5(content);
    case tags.numericString:
      return matching(readLatin1(content), /^[\d ]*$/);
    default:
      throw new BuiltinError("unsupported string type");
  }
}

/** The attributes of a Name with tag and length, in their order. */
export function readAttributes(
  raw: Uint8Array,
  readValue: (value: Element) => Json = readString,
): readonly Attribute[] {
  const attributes: Attribute[] = [];
  const sequence = new Der(raw).inside(tags.sequence);
  while (!sequence.isEmpty) {
    const set = sequence.inside(tags.set);
    while (!set.isEmpty) {
      const attribute = set.inside(tags.sequence);
      attributes.push({ Type: attribute.oid(), Value: readValue(attribute.any()) });
    }
  }
  return attributes;
}

// By the last arc of 2.5.4.x (X.520).
const lists = {
  Country: 6,
  Locality: 7,
  Province: 8,
  StreetAddress: 9,
  Organization: 10,
  OrganizationalUnit: 11,
  PostalCode: 17,
} as const;

export function buildName(attributes: readonly Attribute[]): Json {
  const valuesOf = (arc: number): readonly string[] | null => {
    const values = attributes
      .filter(({ Type }) => Type.join(".") === `2.5.4.${arc}`)
      .flatMap(({ Value }) => (typeof Value === "string" ? [Value] : []));
    return values.length === 0 ? null : values;
  };
  return {
    ...Object.fromEntries(Object.entries(lists).map(([name, arc]) => [name, valuesOf(arc)])),
    CommonName: valuesOf(3)?.at(-1) ?? "",
    SerialNumber: valuesOf(5)?.at(-1) ?? "",
    Names: attributes.length === 0 ? null : attributes.map((attribute) => ({ ...attribute })),
    ExtraNames: null,
  };
}
