import { expect, test } from "vitest";
import { commands } from "./command-line.ts";
import { renderCommandLine } from "./reference.ts";

test("the reference is what the commands say", async () => {
  await expect(renderCommandLine(commands)).toMatchFileSnapshot(
    "../../../docs/reference/command-line.md",
  );
});

test("every command has another name, and options that mean the same everywhere", () => {
  const names = commands.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const types = new Map<string, string>();
  for (const { options } of commands) {
    for (const [name, { type, short }] of Object.entries(options)) {
      const described = `${type} ${short ?? ""}`;
      expect(types.get(name) ?? described).toBe(described);
      types.set(name, described);
    }
  }
});
