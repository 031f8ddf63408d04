/**
 * How a policy in memory gets to another thread: all but its memory is posted, the memory is copied
 * piece by piece, and what compilers make of the module is shared by all.
 */
import { pageBytes, type Image } from "../rego/image.ts";
import type { Contents, Prepared } from "./prepare.ts";

/** An image without its memory, which cannot be posted. */
export interface Shell extends Omit<Image, "memory"> {
  readonly pages: number;
}

export interface Piece {
  readonly address: number;
  readonly bytes: ArrayBuffer;
}

/** Copying a piece of this size takes a fraction of a millisecond. */
export const pieceBytes = 1024 * 1024;

export function shellOf({ memory, ...shell }: Image): Shell {
  return { ...shell, pages: memory.buffer.byteLength / pageBytes };
}

/** One after the other; each may be given away. */
export function* piecesOf({ memory, heapAddress }: Image): Generator<Piece> {
  // Behind the data there is nothing that is needed.
  for (let address = 0; address < heapAddress; address += pieceBytes) {
    const end = Math.min(address + pieceBytes, heapAddress);
    yield { address, bytes: memory.buffer.slice(address, end) };
  }
}

/** The other side. */
export class Arrival {
  readonly #contents: Contents;
  readonly #shell: Shell;
  readonly #memory: WebAssembly.Memory;

  /** Throws when there is no room. */
  constructor(contents: Contents, shell: Shell) {
    this.#contents = contents;
    this.#shell = shell;
    const { pages, maximumPages } = shell;
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: maximumPages });
  }

  add({ address, bytes }: Piece): void {
    new Uint8Array(this.#memory.buffer).set(new Uint8Array(bytes), address);
  }

  complete(): Prepared {
    const { pages: _, ...image } = this.#shell;
    return {
      contents: this.#contents,
      image: { ...image, memory: this.#memory },
      isWarm: true,
    };
  }
}
