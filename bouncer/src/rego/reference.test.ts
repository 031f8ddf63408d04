import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compiled, native, unavailable } from "./coverage.ts";
import { type HostedBuiltin, renderBuiltins } from "./reference.ts";
import { groups } from "./registry.ts";

const folder = new URL("builtins/", import.meta.url);

/** Packages and modules of Node that a source loads, and those of the sources that it loads. */
function findLibraries(source: URL, seen = new Set<string>()): readonly string[] {
  if (seen.has(source.href)) return [];
  seen.add(source.href);
  const text = readFileSync(source, "utf8");
  const imports = text.matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+"([^"]+)";/gm);
  return [...imports].flatMap(([, name = ""]) =>
    name.startsWith(".") ? findLibraries(new URL(name, source), seen) : [name],
  );
}

async function findHosted(): Promise<readonly HostedBuiltin[]> {
  const files = readdirSync(folder).filter((file) => /^[^.]+\.ts$/.test(file));
  const names = await Promise.all(files.map(async (file) => Object.keys(await load(file))));
  return files.flatMap((file, index) => {
    const libraries = [...new Set(findLibraries(new URL(file, folder)))].toSorted();
    return (names[index] ?? []).map((name) => ({ name, file, libraries }));
  });
}

async function load(file: string): Promise<Readonly<Record<string, unknown>>> {
  const module: unknown = await import(fileURLToPath(new URL(file, folder)));
  const isModule = typeof module === "object" && module !== null && "builtins" in module;
  const found: unknown = isModule ? module.builtins : null;
  if (typeof found !== "object" || found === null) throw new Error(`${file} has no built-ins`);
  return { ...found };
}

const hosted = await findHosted();
const registered = groups.flatMap(({ names }) => names);

test("docs/reference/built-ins.md is what the source says", async () => {
  const found = hosted.filter(({ name }) => registered.includes(name));
  await expect(renderBuiltins(found)).toMatchFileSnapshot("../../../docs/reference/built-ins.md");
});

test("what the files have is what the registry says", () => {
  expect(hosted.map(({ name }) => name).toSorted()).toEqual(registered.toSorted());
});

test("a built-in is in one place", () => {
  const all = [...registered, ...native, ...Object.keys(compiled), ...Object.keys(unavailable)];
  expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([]);
});
