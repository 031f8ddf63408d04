/** Built-in functions yaml.*: only they load the package that reads YAML. */
import { BuiltinError, type Builtins, type Query } from "../builtin.ts";
import { readYaml } from "./yaml/read.ts";
import { writeYaml } from "./yaml/write.ts";

/** Reading is one piece of work, and takes some microseconds for each character. */
const stepsOfCharacter = 300;

function checkReading(query: Query, text: string): void {
  query.checkTime(text.length * stepsOfCharacter);
}

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
  "yaml.is_valid": (operands, query) => {
    const text = operands.value(0);
    if (typeof text !== "string") return false;
    checkReading(query, text);
    return isYaml(text);
  },
  "yaml.marshal": (operands) => writeYaml(operands.value(0)),
  "yaml.unmarshal": (operands, query) => {
    const text = operands.string(0);
    checkReading(query, text);
    return readYaml(text);
  },
};
