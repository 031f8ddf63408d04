import { expect, test } from "vitest";
import { errorCodeName } from "./error-code.ts";
import { applySettings, defaultSettings, settingEntries, settingIds } from "./settings.ts";

test.each([
  { id: settingIds.enablePush, value: 2, code: "PROTOCOL_ERROR" },
  { id: settingIds.initialWindowSize, value: 0x80000000, code: "FLOW_CONTROL_ERROR" },
  { id: settingIds.maxFrameSize, value: 16_383, code: "PROTOCOL_ERROR" },
  { id: settingIds.maxFrameSize, value: 16_777_216, code: "PROTOCOL_ERROR" },
  { id: settingIds.enableConnectProtocol, value: 2, code: "PROTOCOL_ERROR" },
])("$id=$value is no setting", ({ id, value, code }) => {
  const applied = applySettings(defaultSettings, [{ id, value }]);
  expect(applied).toMatchObject({ kind: "connection", streamId: 0 });
  expect("code" in applied && errorCodeName(applied.code)).toBe(code);
});

test("later entries hold, unknown ones are ignored", () => {
  const entries = [
    { id: settingIds.maxFrameSize, value: 20_000 },
    { id: 0x1234, value: 7 },
    { id: settingIds.maxFrameSize, value: 16_777_215 },
    { id: settingIds.headerTableSize, value: 0xffffffff },
  ];
  expect(applySettings(defaultSettings, entries)).toEqual({
    kind: "settings",
    settings: { ...defaultSettings, maxFrameSize: 16_777_215, headerTableSize: 0xffffffff },
  });
});

test("says nothing that the peer assumes anyway", () => {
  expect(settingEntries(defaultSettings)).toEqual([]);
  expect(
    settingEntries({ enablePush: 0, maxConcurrentStreams: 100, maxFrameSize: 16_384 }),
  ).toEqual([
    { id: 2, value: 0 },
    { id: 3, value: 100 },
  ]);
});
