/** Built-in function object.subset. Pure. */
import { BuiltinError, type Builtins, type Operands } from "../builtin.ts";
import { equals, isArray, keyOf, RegoObject, RegoSet, type Value } from "../value.ts";

function subset(operands: Operands): boolean {
  const [whole, part] = [operands.value(0), operands.value(1)];
  const answer = compareKinds(whole, part);
  if (answer !== undefined) return answer;
  if (isArray(whole) && part instanceof RegoSet) return hasMembers(whole, part);
  throw new BuiltinError("both must be of the same kind, or an array and a set");
}

/** undefined when the two are not both objects, both sets or both arrays. */
function compareKinds(whole: Value, part: Value): boolean | undefined {
  if (whole instanceof RegoObject && part instanceof RegoObject) return hasObject(whole, part);
  if (whole instanceof RegoSet && part instanceof RegoSet) {
    return [...part].every((member) => whole.has(member));
  }
  return isArray(whole) && isArray(part) ? hasRun(whole, part) : undefined;
}

/** Objects are compared all the way down; what is in arrays and sets has to be equal. */
function hasObject(whole: RegoObject, part: RegoObject): boolean {
  return [...part].every(([key, value]) => {
    const counterpart = whole.get(key);
    if (counterpart === undefined) return false;
    return compareKinds(counterpart, value) ?? equals(counterpart, value);
  });
}

/**
 * The members of `part` follow one another in `whole`. In linear time, however alike the members
 * are (Knuth, Morris and Pratt).
 */
function hasRun(whole: readonly Value[], part: readonly Value[]): boolean {
  const wanted = part.map(keyOf);
  const borders = bordersOf(wanted);
  let matched = 0;
  for (const key of whole.map(keyOf)) {
    if (matched === wanted.length) return true;
    while (matched > 0 && wanted[matched] !== key) matched = borders[matched - 1] ?? 0;
    if (wanted[matched] === key) matched += 1;
  }
  return matched === wanted.length;
}

/** How long a beginning of the list ends at each place. */
function bordersOf(keys: readonly string[]): readonly number[] {
  const borders: number[] = [0];
  for (let at = 1, length = 0; at < keys.length; at += 1) {
    while (length > 0 && keys[length] !== keys[at]) length = borders[length - 1] ?? 0;
    if (keys[length] === keys[at]) length += 1;
    borders.push(length);
  }
  return borders;
}

/** Some of the array's members, all different in the set, in any order. */
function hasMembers(whole: readonly Value[], part: RegoSet): boolean {
  let missing = part.size;
  return whole.some((member) => {
    // As in OPA: one that is in the array twice counts twice.
    if (part.has(member)) missing -= 1;
    return missing === 0;
  });
}

export const builtins: Builtins = {
  "object.subset": subset,
};
