/**
 * The part of the WebAssembly and JSON interfaces that the policy uses and that neither `es2024`
 * nor Node's types declare (TypeScript has WebAssembly in its DOM library, which is not for us).
 */
declare namespace WebAssembly {
  type Module = object;
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Readonly<Record<string, unknown>>;
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
  interface WebAssemblyInstantiatedSource {
    module: Module;
    instance: Instance;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}

interface JSON {
  /** A JSON text that `JSON.stringify` writes as it is: numbers that a double cannot hold. */
  rawJSON(text: string): object;
}
