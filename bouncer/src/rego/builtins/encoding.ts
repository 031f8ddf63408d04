/** `hex.*` and `base64url.encode_no_pad`. Bytes that are no UTF-8 become U+FFFD, as in JSON. */
import { BuiltinError, type Builtins } from "../builtin.ts";
import { decodeUtf8 } from "../text/utf8.ts";

function decodeHex(text: string): string {
  if (text.length % 2 !== 0 || !/^[\da-f]*$/i.test(text))
    throw new BuiltinError("operand 1 must be hexadecimal");
  return decodeUtf8(Buffer.from(text, "hex"));
}

export const builtins: Builtins = {
  "base64url.encode_no_pad": (operands) =>
    Buffer.from(operands.string(0), "utf8").toString("base64url"),
  "hex.decode": (operands) => decodeHex(operands.string(0)),
  "hex.encode": (operands) => Buffer.from(operands.string(0), "utf8").toString("hex"),
};
