/**
 * What the two ends of a connection tell each other about themselves (RFC 9113, 6.5.2). What is not
 * in the table is ignored, as 6.5.2 demands. Pure.
 */
import { errorCodes } from "./error-code.ts";
import type { FrameProblem } from "./frame.ts";

export const settingIds = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  /** RFC 8441, 3. */
  enableConnectProtocol: 0x8,
  /** RFC 9218, 2.1.1. */
  noRfc7540Priorities: 0x9,
} as const;

export type SettingName = keyof typeof settingIds;
export type Settings = Readonly<Record<SettingName, number>>;

/** One entry of a SETTINGS frame, in its order. */
export interface Setting {
  readonly id: number;
  readonly value: number;
}

/** What holds before the first SETTINGS frame; 2^32 - 1 stands for no limit. */
export const defaultSettings: Settings = {
  headerTableSize: 4096,
  enablePush: 1,
  maxConcurrentStreams: 0xffffffff,
  initialWindowSize: 65_535,
  maxFrameSize: 16_384,
  maxHeaderListSize: 0xffffffff,
  enableConnectProtocol: 0,
  noRfc7540Priorities: 0,
};

/** The largest flow-control window (RFC 9113, 6.9.1). */
export const maxWindowSize = 0x7fffffff;

interface Range {
  readonly name: SettingName;
  readonly min: number;
  readonly max: number;
  readonly code: number;
}

const { PROTOCOL_ERROR, FLOW_CONTROL_ERROR } = errorCodes;

const ranges: ReadonlyMap<number, Range> = new Map(
  (
    [
      { name: "headerTableSize", min: 0, max: 0xffffffff, code: PROTOCOL_ERROR },
      { name: "enablePush", min: 0, max: 1, code: PROTOCOL_ERROR },
      { name: "maxConcurrentStreams", min: 0, max: 0xffffffff, code: PROTOCOL_ERROR },
      { name: "initialWindowSize", min: 0, max: maxWindowSize, code: FLOW_CONTROL_ERROR },
      { name: "maxFrameSize", min: 16_384, max: 16_777_215, code: PROTOCOL_ERROR },
      { name: "maxHeaderListSize", min: 0, max: 0xffffffff, code: PROTOCOL_ERROR },
      { name: "enableConnectProtocol", min: 0, max: 1, code: PROTOCOL_ERROR },
      { name: "noRfc7540Priorities", min: 0, max: 1, code: PROTOCOL_ERROR },
    ] satisfies Range[]
  ).map((range) => [settingIds[range.name], range]),
);

/** `current` with the entries applied in their order, or why the connection must end. */
export function applySettings(
  current: Settings,
  entries: readonly Setting[],
): { readonly kind: "settings"; readonly settings: Settings } | FrameProblem {
  const settings: Record<SettingName, number> = { ...current };
  for (const { id, value } of entries) {
    const range = ranges.get(id);
    if (range === undefined) continue;
    if (value < range.min || value > range.max) {
      const detail = `SETTINGS: ${range.name} is ${value}, must be from ${range.min} to ${range.max}`;
      return { kind: "connection", code: range.code, detail, streamId: 0 };
    }
    settings[range.name] = value;
  }
  return { kind: "settings", settings };
}

/** The entries that tell a peer about `settings`, leaving out what it assumes anyway. */
export function settingEntries(settings: Partial<Settings>): Setting[] {
  const entries: Setting[] = [];
  for (const range of ranges.values()) {
    const value = settings[range.name];
    if (value === undefined || value === defaultSettings[range.name]) continue;
    entries.push({ id: settingIds[range.name], value });
  }
  return entries;
}
