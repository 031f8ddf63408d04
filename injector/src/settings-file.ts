/**
 * The settings file on disk: read at the start, where a problem is fatal, and again when it has
 * changed, where a problem is reported and the last good settings stay in force.
 */
import { load } from "js-yaml";
import { InjectorError, messageOf } from "./errors.ts";
import { parseSettings } from "./settings.ts";
import type { ParsedSettings, Settings } from "./settings.ts";
import type { Log } from "./telemetry/log.ts";

export interface SettingsFile {
  current(): Settings;
  /** False while the file has problems and older settings are in force. */
  isValid(): boolean;
  /** Reads the file again. Never rejects. */
  check(): Promise<void>;
}

export interface SettingsFileDeps {
  readonly path: string;
  readonly read: (path: string) => Promise<string>;
  readonly log: Log;
}

/** Rejects with every problem of the file. */
export async function openSettingsFile(deps: SettingsFileDeps): Promise<SettingsFile> {
  const { path, log } = deps;
  let text = await readText(deps);
  const first = parseText(text);
  if (!first.ok) {
    const problems = first.problems.join("; ");
    throw new InjectorError("settings_invalid", `Cannot use settings file "${path}": ${problems}`);
  }
  let settings = first.settings;
  let valid = true;
  const refuse = (problems: readonly string[]): void => {
    valid = false;
    log.error({ path, problems }, "settings refused, the last good ones stay in force");
  };

  return {
    current: () => settings,
    isValid: () => valid,
    check: async () => {
      let next: string;
      try {
        next = await readText(deps);
      } catch (error) {
        refuse([messageOf(error)]);
        return;
      }
      if (next === text && valid) return;
      const parsed = parseText(next);
      if (!parsed.ok) {
        // Said once for each content, not at each look.
        if (next !== text) refuse(parsed.problems);
        text = next;
        return;
      }
      text = next;
      settings = parsed.settings;
      valid = true;
      log.info({ path }, "settings loaded");
    },
  };
}

async function readText({ path, read }: SettingsFileDeps): Promise<string> {
  try {
    return await read(path);
  } catch (error) {
    const message = `Cannot read settings file "${path}": ${messageOf(error)}`;
    throw new InjectorError("settings_invalid", message, error);
  }
}

function parseText(text: string): ParsedSettings {
  try {
    return parseSettings(load(text));
  } catch (error) {
    return { ok: false, problems: [`not YAML (${messageOf(error)})`] };
  }
}
