/**
 * The part of the WebAssembly and JSON interfaces that the policy uses and that neither `es2024`
 * nor Node's types declare (TypeScript has WebAssembly in its DOM library, which is not for us).
 */
declare namespace WebAssembly {
  /** Can be posted to other threads: they share the compiled code. */
  // oxlint-disable-next-line typescript/no-extraneous-class -- it is one, with nothing to see
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  class Global {
    value: number;
  }
  interface MemoryDescriptor {
    initial: number;
    maximum?: number;
  }
  class Memory {
    constructor(descriptor: MemoryDescriptor);
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  type Imports = Record<string, Record<string, unknown>>;
  function validate(bytes: Uint8Array): boolean;
  function compile(bytes: Uint8Array): Promise<Module>;
}

interface JSON {
  /** A JSON text that `JSON.stringify` writes as it is: numbers that a double cannot hold. */
  rawJSON(text: string): object;
}
