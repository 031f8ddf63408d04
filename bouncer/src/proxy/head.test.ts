import { expect, test } from "vitest";
import { readUpgrade } from "./head.ts";

test.each<[readonly string[], number | null, string | null]>([
  [["websocket"], 0, "websocket"],
  [["SPDY/3.1"], 0, "SPDY/3.1"],
  [[], 0, null],
  [["h2c"], 0, null],
  [["H2C"], 0, null],
  [["HTTP/2.0"], 0, null],
  [["tls/1.3"], 0, null],
  [["websocket", "h2c"], 0, null],
  // A body would be taken for the first bytes of the other protocol.
  [["websocket"], 5, null],
  [["websocket"], null, null],
])("Upgrade: %j with a body of %j bytes switches to %j", (upgrade, bodyLength, expected) => {
  const request = { method: "GET", target: "/", version: "1.1", rawHeaders: [] } as const;
  expect(readUpgrade({ ...request, bodyLength, expectsContinue: false, upgrade })).toBe(expected);
});
