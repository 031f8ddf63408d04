/**
 * The text of the input, made ready when a policy is loaded: what is the same for all requests is
 * written once, and what is left for a request are its values, one after the other. Pure.
 */
import type { Facts } from "./facts.ts";

/** How one value becomes JSON. */
export type Field =
  | { readonly kind: "always"; readonly write: (facts: Facts) => string }
  /** null leaves it out. */
  | { readonly kind: "sometimes"; readonly write: (facts: Facts) => string | null }
  /** No request has it; the object that it would be in is there. */
  | { readonly kind: "never" };

export interface Step {
  readonly path: readonly string[];
  readonly field: Field;
}

interface Branch {
  readonly kind: "object";
  readonly members: Map<string, Branch | Field>;
}

type Write = (facts: Facts) => string;
type Sometimes = Extract<Field, { kind: "sometimes" }>;

/** `containers`: the objects that every request has. */
export function compileTemplate(steps: readonly Step[], containers: ReadonlySet<string>): Write {
  const root: Branch = { kind: "object", members: new Map() };
  for (const step of steps) plant(root, step, containers);
  const program = new Program();
  program.writeObject(root);
  return program.finish();
}

function plant(root: Branch, { path, field }: Step, containers: ReadonlySet<string>): void {
  let { members } = root;
  for (const [index, key] of path.slice(0, -1).entries()) {
    if (!containers.has(path.slice(0, index + 1).join("."))) return;
    const present = members.get(key);
    const branch = present?.kind === "object" ? present : newBranch();
    members.set(key, branch);
    ({ members } = branch);
  }
  const last = path.at(-1);
  if (last !== undefined && field.kind !== "never") members.set(last, field);
}

function newBranch(): Branch {
  return { kind: "object", members: new Map() };
}

/** Text, value, text, value, ... text. */
class Program {
  readonly #texts: string[] = [""];
  readonly #values: Write[] = [];

  writeObject({ members }: Branch): void {
    const sometimes: (readonly [key: string, field: Sometimes])[] = [];
    let separator = "";
    this.#text("{");
    for (const [name, member] of members) {
      const key = `${JSON.stringify(name)}:`;
      if (member.kind === "sometimes") sometimes.push([key, member]);
      if (member.kind === "sometimes" || member.kind === "never") continue;
      this.#text(`${separator}${key}`);
      if (member.kind === "object") this.writeObject(member);
      else this.#value(member.write);
      separator = ",";
    }
    // Last, so that whether there is anything before them is known now.
    if (sometimes.length > 0) this.#value(writeSome(sometimes, separator === ""));
    this.#text("}");
  }

  finish(): Write {
    const [first = "", ...texts] = this.#texts;
    const values = this.#values.map((write, at) => ({ write, text: texts[at] ?? "" }));
    return (facts) => {
      let input = first;
      for (const { write, text } of values) input += write(facts) + text;
      return input;
    };
  }

  #text(text: string): void {
    this.#texts.push(`${this.#texts.pop() ?? ""}${text}`);
  }

  #value(write: Write): void {
    this.#values.push(write);
    this.#texts.push("");
  }
}

function writeSome(
  fields: readonly (readonly [key: string, field: Sometimes])[],
  isFirst: boolean,
): Write {
  return (facts) => {
    let text = "";
    for (const [key, { write }] of fields) {
      const value = write(facts);
      if (value !== null) text += `${isFirst && text === "" ? "" : ","}${key}${value}`;
    }
    return text;
  };
}
