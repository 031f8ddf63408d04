/** Built-in functions yaml.*: only they load the package that reads YAML. */
import { BuiltinError, type Builtins } from "../builtin.ts";
import { readYaml } from "./yaml/read.ts";
import { writeYaml } from "./yaml/write.ts";

function isYaml(text: string): boolean {
  try {
    readYaml(text);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

export const builtins: Builtins = {
  "yaml.is_valid": (operands) => {
    const text = operands.value(0);
    return typeof text === "string" && isYaml(text);
  },
  "yaml.marshal": (operands) => writeYaml(operands.value(0)),
  "yaml.unmarshal": (operands) => readYaml(operands.string(0)),
};
