/** `semver.*`: comparison of semantic versions. */
import { BuiltinError, type Builtins, type Operands } from "../builtin.ts";
import { RegoNumber } from "../number.ts";
import { compareVersions, parseVersion, type Version } from "../version.ts";

function readVersion(operands: Operands, index: number): Version {
  const version = parseVersion(operands.string(index));
  if (version === null) throw new BuiltinError(`operand ${index + 1} is not a valid SemVer`);
  return version;
}

export const builtins: Builtins = {
  "semver.compare": (operands) =>
    RegoNumber.of(compareVersions(readVersion(operands, 0), readVersion(operands, 1))),
  "semver.is_valid": (operands) => {
    const text = operands.value(0);
    return typeof text === "string" && parseVersion(text) !== null;
  },
};
