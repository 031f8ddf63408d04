/**
 * All headers of a request as a JSON text. Nearly every name comes again with the next request, in
 * the same spelling, and hardly any twice in one: each is turned to lower case and quoted once. Pure.
 */
import type { RequestHead } from "./decision.ts";
import { joinHeaders } from "./facts.ts";

interface Name {
  /** `,"x-user":` */
  readonly key: string;
  /** The last request that had it. */
  seen: number;
}

/** Kept between two requests; then all are forgotten, because a client may make up any number. */
const maxNames = 512;
/** A longer one is not kept. */
const maxNameChars = 64;

export class HeaderWriter {
  /** By how they are spelled, and by their lower case. */
  readonly #names = new Map<string, Name>();
  #requests = 0;

  write(request: RequestHead): string {
    const { rawHeaders } = request;
    if (this.#names.size > maxNames) this.#names.clear();
    this.#requests += 1;
    const target = JSON.stringify(request.target);
    let text = `{":authority":${JSON.stringify(request.host)},":method":${JSON.stringify(request.method)},":path":${target},":scheme":"${request.scheme}"`;
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const raw = rawHeaders[at] ?? "";
      const name = this.#names.get(raw) ?? this.#add(raw);
      if (name === null || name.seen === this.#requests) return writeJoined(request);
      name.seen = this.#requests;
      text += name.key + JSON.stringify(rawHeaders[at + 1]);
    }
    return `${text}}`;
  }

  /** null: not one to keep, or one that might be another's. */
  #add(raw: string): Name | null {
    if (raw.length > maxNameChars || raw.startsWith(":")) return null;
    const lower = raw.toLowerCase();
    const name = this.#names.get(lower) ?? { key: `,${JSON.stringify(lower)}:`, seen: 0 };
    this.#names.set(raw, name).set(lower, name);
    return name;
  }
}

function writeJoined(request: RequestHead): string {
  return JSON.stringify(Object.fromEntries(joinHeaders(request)));
}
