/**
 * `src/rego/time/zone-data.ts` is made here, of the time zones that come with Go, which are those
 * of OPA. When Go has newer ones: run this test with `-u`.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { packedZones, zoneRelease } from "../../src/rego/time/zone-data.ts";

const root = execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim();
const folder = join(root, "lib", "time");
const release = /^CODE=(\S+)$/m.exec(readFileSync(join(folder, "update.bash"), "utf8"))?.[1] ?? "";
const file = join(import.meta.dirname, "../../src/rego/time/zone-data.ts");

test("time zones are those of tzdata that Go has", async () => {
  if (release < zoneRelease) {
    throw new Error(
      `Cannot compare the time zones: Go has tzdata ${release}, ours are ${zoneRelease}; get the newest Go at https://go.dev/dl`,
    );
  }
  const text = printZones(readZip(readFileSync(join(folder, "zoneinfo.zip"))));
  const isCurrent = inflateRawSync(Buffer.from(packedZones, "base64")).toString() === text;
  const source = isCurrent ? readFileSync(file, "utf8") : printSource(text);
  await expect(source).toMatchFileSnapshot(file);
});

function printSource(text: string): string {
  const packed = deflateRawSync(text, { level: 9 }).toString("base64");
  return `/**
 * All time zones of tzdata, which is in the public domain, deflated. Made by
 * test/integration/zone-data.test.ts; how a line is read is written in zones.ts and zone.ts.
 */
export const zoneRelease = "${release}";

export const packedZones =
  "${packed}";
`;
}

/** Files of an archive that is not compressed, as Go's is not. */
function readZip(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>();
  const end = bytes.lastIndexOf("PK\u0005\u0006", undefined, "latin1");
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    expect(bytes.readUInt16LE(at + 10), "method of compression").toBe(0);
    const size = bytes.readUInt32LE(at + 24);
    const nameLength = bytes.readUInt16LE(at + 28);
    const tailLength = bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    const header = bytes.readUInt32LE(at + 42);
    const start = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
    const name = bytes.toString("latin1", at + 46, at + 46 + nameLength);
    if (!name.endsWith("/")) files.set(name, bytes.subarray(start, start + size));
    at += 46 + nameLength + tailLength;
  }
  return files;
}

/** One line for each zone, with all its names. */
function printZones(files: ReadonlyMap<string, Buffer>): string {
  const names = new Map<string, string[]>();
  for (const name of [...files.keys()].toSorted()) {
    const zone = printZone(files.get(name) ?? Buffer.alloc(0));
    const same = names.get(zone);
    if (same === undefined) names.set(zone, [name]);
    else same.push(name);
  }
  return [...names].map(([zone, same]) => `${same.join(",")}|${zone}`).join("\n");
}

/** RFC 9636: a part with numbers of 32 bits, which is passed over, and one with 64. */
function printZone(bytes: Buffer): string {
  expect(bytes.toString("latin1", 0, 4)).toBe("TZif");
  const first = readCounts(bytes, 0);
  const from =
    44 +
    first.transitions * 5 +
    first.kinds * 6 +
    first.letters +
    first.leaps * 8 +
    first.standard +
    first.universal;
  const counts = readCounts(bytes, from);
  const indexesAt = from + 44 + counts.transitions * 8;
  const kindsAt = indexesAt + counts.transitions;
  const lettersAt = kindsAt + counts.kinds * 6;
  const ruleAt =
    lettersAt + counts.letters + counts.leaps * 12 + counts.standard + counts.universal;
  const kinds = Array.from({ length: counts.kinds }, (_, index) => {
    const at = kindsAt + index * 6;
    const name = lettersAt + bytes.readUInt8(at + 5);
    const abbreviation = bytes.toString("latin1", name, bytes.indexOf(0, name));
    const summer = bytes.readUInt8(at + 4) === 1 ? "*" : "";
    return `${abbreviation}:${bytes.readInt32BE(at).toString(36)}${summer}`;
  });
  let last = 0n;
  const steps = Array.from({ length: counts.transitions }, (_, index) => {
    const next = bytes.readBigInt64BE(from + 44 + index * 8);
    const step = next - last;
    last = next;
    return step.toString(36);
  });
  const indexes = [...bytes.subarray(indexesAt, kindsAt)].map((index) => index.toString(36));
  const rule = bytes.toString("latin1", ruleAt).trim();
  return [kinds.join(" "), steps.join(" "), indexes.join(""), rule].join("|");
}

function readCounts(bytes: Buffer, at: number) {
  return {
    universal: bytes.readUInt32BE(at + 20),
    standard: bytes.readUInt32BE(at + 24),
    leaps: bytes.readUInt32BE(at + 28),
    transitions: bytes.readUInt32BE(at + 32),
    kinds: bytes.readUInt32BE(at + 36),
    letters: bytes.readUInt32BE(at + 40),
  };
}
