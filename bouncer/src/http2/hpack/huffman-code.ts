/** The code for strings of RFC 7541, Appendix B, and both ways of using it, made of its lengths. Pure. */

/**
 * Bits of the code of each byte, then of the end of the string (EOS, 256). That is the whole of it:
 * codes of one length are in the order of their symbols, and longer ones follow shorter ones.
 */
// oxfmt-ignore
const codeLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

const endOfString = 256;

/** Bits of the code of each byte. */
export const huffmanLengths: Uint8Array = Uint8Array.from(codeLengths.slice(0, endOfString));
/** The code of each byte, in its lowest bits. */
export const huffmanCodes: Uint32Array = new Uint32Array(endOfString);

/** What to do with four more bits: bits 0 to 7 the next state, 8 to 15 the byte. */
export const emits = 1 << 16;
/** The string may end here: what is left of it is the beginning of EOS, and shorter than a byte. */
export const mayEnd = 1 << 17;
/** No string goes on like this: it would have EOS within (RFC 7541, 5.2). */
export const fails = 1 << 18;

type Node = [zero: Node | number, one: Node | number] | [];

/** By 16 * state + the four bits; 0 is the first state. */
export const huffmanSteps: Uint32Array = makeSteps(makeTree());

function makeTree(): Node {
  const root: Node = [];
  const symbols = codeLengths.map((_, symbol) => symbol);
  symbols.sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  let code = 0;
  let length = 0;
  for (const symbol of symbols) {
    code <<= lengthOf(symbol) - length;
    length = lengthOf(symbol);
    if (symbol !== endOfString) huffmanCodes[symbol] = code;
    plant(root, code, length, symbol);
    code += 1;
  }
  return root;
}

function lengthOf(symbol: number): number {
  return codeLengths[symbol] ?? 0;
}

function plant(root: Node, code: number, length: number, symbol: number): void {
  let node = root;
  for (let bit = length - 1; bit > 0; bit -= 1) {
    const side = (code >>> bit) & 1;
    const child = node[side];
    if (typeof child === "object") {
      node = child;
    } else {
      const grown: Node = [];
      node[side] = grown;
      node = grown;
    }
  }
  node[code & 1] = symbol;
}

function makeSteps(root: Node): Uint32Array {
  const states: Node[] = [root];
  const ending = new Set<Node>([root]);
  let onOnes: Node | number | undefined = root;
  for (let depth = 1; depth < 8 && typeof onOnes === "object"; depth += 1) {
    onOnes = onOnes[1];
    if (typeof onOnes === "object") ending.add(onOnes);
  }
  const numbers = new Map<Node, number>([[root, 0]]);
  const steps: number[] = [];
  // Grows while it runs: each state is made known by the first step that leads to it.
  for (const state of states) {
    for (let bits = 0; bits < 16; bits += 1) steps.push(step(state, bits));
  }
  return Uint32Array.from(steps);

  function step(from: Node, bits: number): number {
    let node = from;
    let emitted = 0;
    for (let bit = 3; bit >= 0; bit -= 1) {
      const next = node[(bits >>> bit) & 1];
      if (typeof next === "object") {
        node = next;
      } else if (next === undefined || next === endOfString) {
        return fails;
      } else {
        emitted = emits | (next << 8);
        node = root;
      }
    }
    return numberOf(node) | emitted | (ending.has(node) ? mayEnd : 0);
  }

  function numberOf(node: Node): number {
    const known = numbers.get(node);
    if (known !== undefined) return known;
    const number = states.push(node) - 1;
    numbers.set(node, number);
    return number;
  }
}
