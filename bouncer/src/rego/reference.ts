/** Renders docs/reference/built-ins.md. Pure. */
import { renderTable } from "bouncer-environment/reference";
import { compiled, differences, impure, native, unavailable } from "./coverage.ts";

/** A built-in of the registry. */
export interface HostedBuiltin {
  readonly name: string;
  /** Below `bouncer/src/rego/builtins`. */
  readonly file: string;
  /** What the file stands on: packages, modules of Node. */
  readonly libraries: readonly string[];
}

interface Row {
  readonly name: string;
  readonly place: string;
}

export function renderBuiltins(hosted: readonly HostedBuiltin[]): string {
  const rows: readonly Row[] = [
    ...native.map((name) => ({ name, place: "Wasm" })),
    ...hosted.map(describeHosted),
    ...Object.entries(compiled).map(([name, what]) => ({ name, place: `compiler: ${what}` })),
    ...Object.entries(unavailable).map(([name, why]) => ({ name, place: `**no**: ${why}` })),
  ];
  const sorted = rows.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return [
    "# Built-in functions",
    "Made from the source by its tests (`vitest run --project unit bouncer/src/rego/reference -u`); do not edit.",
    "",
    `The ${sorted.length} built-in functions of OPA 1.22, as a compiled policy finds them in a bouncer. **Wasm**: OPA's own code, compiled into every policy. **Host**: ours, called by the policy; loaded when a policy needs it. **Compiler**: gone before there is a policy. A bundle that needs one that is not available is refused when it is loaded, by name.`,
    "",
    "Wrong types and errors are undefined, as with `opa eval`; there are no strict errors in Wasm. Answers depend on the operands alone, except where something else is named: such a decision is not remembered in the decision cache unless the policy says for how long.",
    "",
    renderTable(
      ["Built-in", "Where", "Depends on", "Differs from OPA"],
      sorted.map(({ name, place }) => [
        `\`${name}\``,
        place,
        impure[name] ?? "",
        differences[name] ?? "",
      ]),
    ),
  ].join("\n");
}

function describeHosted({ name, file, libraries }: HostedBuiltin): Row {
  const link = `[${file}](../../bouncer/src/rego/builtins/${file})`;
  const using = libraries.length === 0 ? "" : `, by ${libraries.map((l) => `\`${l}\``).join(", ")}`;
  return { name, place: `host: ${link}${using}` };
}
