/**
 * All headers of a request as a JSON text. Nearly every name comes again with the next request, in
 * the same spelling, and hardly any twice in one: each is turned to lower case and quoted once, and
 * its value when it is another than before. Pure.
 */
import type { RequestHead } from "./decision.ts";
import { joinHeaders } from "./facts.ts";
import { createQuoter, maxKeptChars, type Quote } from "./quoter.ts";

interface Name {
  /** `,"x-user":` */
  readonly key: string;
  /** The last request that had it. */
  seen: number;
  /** Of that one, or of one before it. */
  value: string | null;
  /** `,"x-user":"alice"` */
  text: string;
}

/** Kept between two requests; then all are forgotten, because a client may make up any number. */
const maxNames = 512;
/** A longer one is not kept. */
const maxNameChars = 64;

export class HeaderWriter {
  /** By how they are spelled, and by their lower case. */
  readonly #names = new Map<string, Name>();
  readonly #quoteTarget: Quote;
  readonly #quoteHost = createQuoter();
  readonly #quoteMethod = createQuoter();
  #requests = 0;

  constructor(quoteTarget: Quote = createQuoter()) {
    this.#quoteTarget = quoteTarget;
  }

  write(request: RequestHead): string {
    const { rawHeaders } = request;
    if (this.#names.size > maxNames) this.#names.clear();
    this.#requests += 1;
    const { host, method, target, scheme } = request;
    let text = `{":authority":${this.#quoteHost(host)},":method":${this.#quoteMethod(method)},":path":${this.#quoteTarget(target)},":scheme":"${scheme}"`;
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const raw = rawHeaders[at] ?? "";
      const name = this.#names.get(raw) ?? this.#add(raw);
      if (name === null || name.seen === this.#requests) return writeJoined(request);
      name.seen = this.#requests;
      text += write(name, rawHeaders[at + 1] ?? "");
    }
    return `${text}}`;
  }

  /** null: not one to keep, or one that might be another's. */
  #add(raw: string): Name | null {
    if (raw.length > maxNameChars || raw.startsWith(":")) return null;
    const lower = raw.toLowerCase();
    const name = this.#names.get(lower) ?? newName(lower);
    this.#names.set(raw, name).set(lower, name);
    return name;
  }
}

function newName(lower: string): Name {
  return { key: `,${JSON.stringify(lower)}:`, seen: 0, value: null, text: "" };
}

function write(name: Name, value: string): string {
  if (value === name.value) return name.text;
  const text = name.key + JSON.stringify(value);
  if (value.length > maxKeptChars) return text;
  name.value = value;
  name.text = text;
  return text;
}

function writeJoined(request: RequestHead): string {
  return JSON.stringify(Object.fromEntries(joinHeaders(request)));
}
