/** The ways in which policies have certificates: PEM, base64 of PEM, base64 of DER. */
import { BuiltinError } from "../builtin.ts";
import { decodeBase64 } from "./base64.ts";
import { type Certificate, readCertificates } from "./certificate.ts";
import { readPem } from "./pem.ts";

export const pemPrefix = "-----BEGIN";

/** As characters that stand for bytes; throws BuiltinError when it is neither PEM nor base64. */
export function decodeSource(text: string, prefix = pemPrefix): string {
  return text.startsWith(prefix)
    ? Buffer.from(text, "utf8").toString("latin1")
    : decodeBase64(text).toString("latin1");
}

export function findCertificates(text: string): readonly Certificate[] {
  const source = decodeSource(text);
  if (!source.startsWith(pemPrefix)) return readCertificates(Buffer.from(source, "latin1"));
  const blocks: Uint8Array[] = [];
  for (let block = readPem(source); block !== null; block = readPem(source, block.next)) {
    if (block.type !== "CERTIFICATE") throw new BuiltinError(`PEM block type is ${block.type}`);
    blocks.push(block.bytes);
  }
  return readCertificates(Buffer.concat(blocks));
}
