/** `numbers.range_step` and `rand.intn`. */
import { BuiltinError, type Builtins, type Operands, type Query, TimeIsUp } from "../builtin.ts";
import { toInt64 } from "../machine-number.ts";
import { RegoNumber } from "../number.ts";
import { keyOf, type Value } from "../value.ts";

/**
 * Of a longer range, the evaluation ends, as it does in OPA when its time is over: it would not fit
 * into the memory of an evaluation.
 */
export const maxRange = 1_000_000n;

function buildRange(operands: Operands, query: Query): Value {
  const [from, to, step] = [operands.integer(0), operands.integer(1), operands.integer(2)];
  if (step <= 0n) throw new BuiltinError("the step must be a positive integer");
  const distance = from <= to ? to - from : from - to;
  const count = distance / step + 1n;
  if (count > maxRange) throw new TimeIsUp(`numbers.range_step: more than ${maxRange} numbers`);
  const numbers: Value[] = [];
  for (let index = 0n; index < count; index += 1n) {
    query.checkTime();
    numbers.push(RegoNumber.of(from <= to ? from + index * step : from - index * step));
  }
  return numbers;
}

/** From 0 up to `limit`, all with the same chance: what would favour the small ones is drawn anew. */
function draw(limit: bigint, query: Query): bigint {
  const most = 2n ** 64n - (2n ** 64n % limit);
  let drawn: bigint;
  do {
    drawn = query.random(8).reduce((all, byte) => (all << 8n) | BigInt(byte), 0n);
  } while (drawn >= most);
  return drawn % limit;
}

function drawNumber(operands: Operands, query: Query): Value {
  const name = operands.string(0);
  const limit = toInt64(operands.number(1));
  if (limit === null) throw new BuiltinError("operand 2 must be an integer");
  if (limit === 0n) return RegoNumber.of(0);
  const size = limit < 0n ? -limit : limit;
  // Go's smallest integer has no counterpart above zero.
  if (size === 2n ** 63n) throw new BuiltinError("operand 2 is out of range");
  const key = `rand.intn ${keyOf([name, RegoNumber.of(size)])}`;
  const known = query.memory.get(key);
  if (known !== undefined) return known;
  const drawn = RegoNumber.of(draw(size, query));
  query.memory.set(key, drawn);
  return drawn;
}

export const builtins: Builtins = {
  "numbers.range_step": buildRange,
  "rand.intn": drawNumber,
};
