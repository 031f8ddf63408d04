import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defineConfig, type Plugin, type RolldownOptions } from "rolldown";

/** With any character beyond Latin 1, Node would keep two bytes for each of the whole file. */
const escaped: Plugin = {
  name: "escaped",
  generateBundle: (_options, bundle) => {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue;
      if (/\\[\u0080-\uffff]/.test(chunk.code))
        throw new Error("a backslash before such a character");
      chunk.code = chunk.code.replaceAll(
        /[\u0080-\uffff]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
    }
  },
};

const lazyBuiltins = ["node:http"];
const resolvedPrefix = "\0builtin:";

/**
 * To import `node:http` reads each of its properties, and some of these load what they stand for:
 * Node's own undici is 12 MiB and 20 ms to a program that serves. Taken as an object, it loads
 * nothing but what is used.
 */
const lazy: Plugin = {
  name: "lazy-builtins",
  // What is required is an object already.
  resolveId: (id, _importer, { kind }) =>
    lazyBuiltins.includes(id) && kind !== "require-call" ? `${resolvedPrefix}${id}` : null,
  load: (id) => {
    if (!id.startsWith(resolvedPrefix)) return null;
    const name = id.slice(resolvedPrefix.length);
    const properties = Object.entries(
      Object.getOwnPropertyDescriptors(process.getBuiltinModule(name) ?? {}),
    );
    const plain = properties.filter(([, property]) => "value" in property).map(([key]) => key);
    return {
      code: [
        `const builtin = process.getBuiltinModule("${name}");`,
        ...plain.map((key) => `export const ${key} = builtin.${key};`),
        "export default builtin;",
      ].join("\n"),
      moduleSideEffects: false,
    };
  },
};

const promParts = {
  Registry: "registry",
  Counter: "counter",
  Gauge: "gauge",
  Histogram: "histogram",
};
const promId = "\0prom-client";

/**
 * Of prom-client what a bouncer counts by: the whole would bring a tracing library, HTTPS, clusters
 * and child processes, 140 KB of text and 2 MiB that nobody uses. Whatever else is imported of it
 * fails here.
 */
const promOnly: Plugin = {
  name: "prom-client-parts",
  resolveId: (id) => (id === "prom-client" ? promId : null),
  load: (id) => {
    if (id !== promId) return null;
    const folder = dirname(
      createRequire(import.meta.resolve("./bouncer/x")).resolve("prom-client"),
    );
    const lines = Object.entries(promParts).map(
      ([name, file]) =>
        `export { default as ${name} } from ${JSON.stringify(join(folder, "lib", `${file}.js`))};`,
    );
    return { code: lines.join("\n"), moduleSideEffects: false };
  },
};

/** Beside `main`: what is a program of its own, such as a thread. */
type Inputs = Readonly<Record<string, string>>;

interface Shape {
  readonly inputs?: Inputs;
  /** What is loaded on demand has files of its own: large libraries that few need cost the others nothing. */
  readonly isSplit?: boolean;
  readonly plugins?: readonly Plugin[];
}

/**
 * One file for each program: it starts faster, uses less memory, and is all that its image needs.
 * Where there are more inputs, what they share and what is loaded on demand has its own files.
 */
function program(
  folder: string,
  { inputs = {}, isSplit = false, plugins = [] }: Shape = {},
): RolldownOptions {
  const input = { main: `${folder}/src/main.ts`, ...inputs };
  return {
    input,
    platform: "node",
    // Whoever reads a property and does nothing with it does without.
    treeshake: { propertyReadSideEffects: false },
    output: {
      dir: `${folder}/dist`,
      entryFileNames: "[name].mjs",
      chunkFileNames: "[name]-[hash].mjs",
      format: "esm",
      codeSplitting: isSplit || Object.keys(inputs).length > 0,
      // Node keeps the text of a program in memory, with comments.
      comments: false,
      sourcemap: true,
      cleanDir: true,
    },
    plugins: [lazy, ...plugins, escaped],
    // A warning is an import that would fail at run time, or worse.
    onLog: (level, log) => {
      if (level === "warn") throw new Error(`${folder}: ${log.message}`);
    },
  };
}

export default defineConfig([
  program("bouncer", {
    inputs: {
      worker: "bouncer/src/evaluation/worker.ts",
      thread: "bouncer/src/threads/thread.ts",
    },
    plugins: [promOnly],
  }),
  // Without it, text of 4 MB would be 28 MiB of memory.
  program("bridge", { isSplit: true }),
  ...["injector", "examples/app"].map((folder) => program(folder)),
]);
