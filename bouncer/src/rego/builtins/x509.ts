/** `crypto.x509.parse_certificates` and `crypto.x509.parse_certificate_request`. */
import { BuiltinError, type Builtins } from "../builtin.ts";
import { describeWithUris } from "../crypto/certificate-json.ts";
import { describeRequest } from "../crypto/certificate-request.ts";
import { decodeSource, findCertificates } from "../crypto/certificate-source.ts";
import { toValue } from "../crypto/go-json.ts";
import { readPem } from "../crypto/pem.ts";

const requestType = "CERTIFICATE REQUEST";

function findRequest(text: string): Uint8Array {
  const source = decodeSource(text, `-----BEGIN ${requestType}-----`);
  const block = readPem(source);
  if (block === null) return Buffer.from(source, "latin1");
  if (block.type !== requestType) throw new BuiltinError(`PEM block type is ${block.type}`);
  return block.bytes;
}

export const builtins: Builtins = {
  "crypto.x509.parse_certificate_request": (operands) =>
    toValue(describeRequest(findRequest(operands.string(0)))),
  "crypto.x509.parse_certificates": (operands) =>
    toValue(findCertificates(operands.string(0)).map(describeWithUris)),
};
