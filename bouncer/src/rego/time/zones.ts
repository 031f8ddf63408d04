/**
 * Time zones by name. The data are our own, not Node's: with them, times and abbreviations are
 * those that OPA gives, whatever Node, its ICU and the image bring along.
 */
import { inflateRawSync } from "node:zlib";
import { Zone } from "./zone.ts";
import { packedZones } from "./zone-data.ts";

/** Read when a policy asks for a zone for the first time. */
let lines: ReadonlyMap<string, string> | null = null;
const zones = new Map<string, Zone>();

/**
 * null for a name that tzdata does not have; names are told apart by case. `Local` is UTC, because
 * a decision may not depend on where it is made.
 */
export function findZone(name: string): Zone | null {
  if (["", "UTC", "Local"].includes(name)) return Zone.utc;
  const known = zones.get(name);
  if (known !== undefined) return known;
  lines ??= readLines(inflateRawSync(Buffer.from(packedZones, "base64")).toString());
  const line = lines.get(name);
  if (line === undefined) return null;
  const zone = Zone.parse(line);
  zones.set(name, zone);
  return zone;
}

/** `Africa/Nairobi,Africa/Asmera|...`: names, and what `Zone.parse` reads. */
function readLines(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    const end = line.indexOf("|");
    for (const name of line.slice(0, end).split(",")) found.set(name, line.slice(end + 1));
  }
  return found;
}
