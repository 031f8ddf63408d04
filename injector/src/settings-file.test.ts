import { expect, test } from "vitest";
import { openSettingsFile } from "./settings-file.ts";
import { createLog } from "./telemetry/log.ts";

async function setUp(first: string) {
  const lines: string[] = [];
  const log = createLog("info", { write: (line: string) => lines.push(line) });
  const file: { text: string | Error } = { text: first };
  const read = async (): Promise<string> => {
    if (file.text instanceof Error) throw file.text;
    return file.text;
  };
  const settings = await openSettingsFile({ path: "settings.yaml", read, log });
  return { settings, file, lines };
}

test("a file with problems does not open, and all of them are told", async () => {
  await expect(setUp("preset: huge\ncacheTtl: -1\nfoo: 1\n")).rejects.toThrow(
    /settings file "settings.yaml": (?=.*preset)(?=.*cacheTtl)(?=.*foo)/,
  );
});

test.each(["preset: [", "a: 1\na: 2", "\tx"])("%j is not YAML", async (text) => {
  await expect(setUp(text)).rejects.toMatchObject({ code: "settings_invalid" });
});

test("a changed file is in force at the next look", async () => {
  const { settings, file, lines } = await setUp("preset: small");
  await settings.check();
  expect(lines).toEqual([]);
  file.text = "preset: large";
  await settings.check();
  expect(settings.current().preset).toBe("large");
  expect(lines).toHaveLength(1);
});

test("a bad file is reported once, the last good one stays, and repair is noticed", async () => {
  const { settings, file, lines } = await setUp("preset: large");
  file.text = "preset: huge";
  await settings.check();
  await settings.check();
  expect(settings.current().preset).toBe("large");
  expect(settings.isValid()).toBe(false);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("huge");
  file.text = "preset: large";
  await settings.check();
  expect(settings.isValid()).toBe(true);
});

test("a file that cannot be read changes nothing", async () => {
  const { settings, file } = await setUp("preset: large");
  file.text = new Error("EACCES");
  await settings.check();
  expect(settings.current().preset).toBe("large");
  expect(settings.isValid()).toBe(false);
  file.text = "preset: large";
  await settings.check();
  expect(settings.isValid()).toBe(true);
});
