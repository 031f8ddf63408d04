import * as fc from "fast-check";
import { expect, test } from "vitest";
import { renderVariables } from "./reference.ts";
import { describeTable, optional, readTable, required, type TextOf, variable } from "./table.ts";
import { flag, integer, text } from "./value.ts";

const table = {
  port: variable("GATE_PORT", "80", integer(1, 65_535), { accepts: "a port", doc: "Its port." }),
  open: variable("GATE_OPEN", "false", flag, { accepts: "`true` or `false`", doc: "Open | shut." }),
  owner: required("GATE_OWNER", text, { accepts: "a name", doc: "Whose it is." }),
  level: optional("LEVEL", integer(0, 9), { accepts: "0 to 9", doc: "How high." }),
  key: optional("GATE_KEY", integer(1000, 9999), {
    accepts: "a number",
    doc: "Opens.",
    secret: true,
  }),
};
const owner = { GATE_OWNER: "me" };
const defaults = { port: 80, open: false, owner: "me", level: null, key: null };

test.each([
  ["defaults", {}, {}],
  ["values", { GATE_PORT: "1", GATE_OPEN: "true", LEVEL: "3" }, { port: 1, open: true, level: 3 }],
  ["empty is unset", { GATE_PORT: "", LEVEL: "" }, {}],
  [
    "what Kubernetes adds for Services",
    {
      GATE_PORT: "tcp://10.0.0.1:80",
      GATE_PORT_80_TCP_ADDR: "10.0.0.1",
      GATE_SERVICE_HOST: "10.0.0.1",
      GATE_SERVICE_PORT_HTTP: "80",
      GATE_TEST_PORT: "tcp://[fd00::1]:80",
    },
    {},
  ],
  ["what is not ours", { PATH: "/bin", LEVELS: "x", GATE_NONE: "" }, {}],
])("accepted: %s", (_name, environment, changed) => {
  const read = readTable(table, { ...owner, ...environment }, { prefix: "GATE_" });
  expect(read).toEqual({ kind: "ok", config: { ...defaults, ...changed } });
});

test("a value like a Service's is a mistake in a variable that no Service sets", () => {
  expect(readTable(table, { ...owner, LEVEL: "tcp://10.0.0.1:80" })).toEqual({
    kind: "invalid",
    problems: ['Cannot use LEVEL "tcp://10.0.0.1:80": accepted is 0 to 9'],
  });
});

function conflicts(textOf: TextOf): string[] {
  return textOf("GATE_PORT") === null && textOf("LEVEL") === "10" ? ["Cannot use LEVEL now"] : [];
}

test("all problems are reported together, each variable once and in order, secrets masked", () => {
  const environment = { GATE_KEY: "hunter2", GATE_PROT: "1", GATE_OPEN: "yes", LEVEL: "10" };
  expect(readTable(table, environment, { prefix: "GATE_", conflicts })).toEqual({
    kind: "invalid",
    problems: [
      "Cannot use GATE_PROT: there is no variable of this name",
      'Cannot use GATE_OPEN "yes": accepted is "true" or "false"',
      "Cannot start without GATE_OWNER: accepted is a name",
      'Cannot use LEVEL "10": accepted is 0 to 9',
      'Cannot use GATE_KEY "***": accepted is a number',
      "Cannot use LEVEL now",
    ],
  });
});

test("what is in effect is described, secrets masked", () => {
  expect(describeTable(table, { ...owner, GATE_KEY: "1234", PATH: "/bin" })).toEqual({
    GATE_PORT: "80",
    GATE_OPEN: "false",
    GATE_OWNER: "me",
    GATE_KEY: "***",
  });
});

test("a secret appears nowhere, whatever it is", () => {
  const property = fc.property(fc.string(), (secret) => {
    const environment = { ...owner, GATE_KEY: `<${secret}>` };
    const told = [readTable(table, environment), describeTable(table, environment)];
    return !JSON.stringify(told).includes(JSON.stringify(`<${secret}>`).slice(1, -1));
  });
  expect(() => fc.assert(property)).not.toThrow();
});

test("the reference", () => {
  expect(renderVariables(table)).toBe(
    [
      "| Variable | Default | Accepted | Meaning |",
      "| --- | --- | --- | --- |",
      "| `GATE_PORT` | `80` | a port | Its port. |",
      "| `GATE_OPEN` | `false` | `true` or `false` | Open \\| shut. |",
      "| `GATE_OWNER` | required | a name | Whose it is. |",
      "| `LEVEL` |  | 0 to 9 | How high. |",
      "| `GATE_KEY` |  | a number | Opens. Never logged. |",
      "",
    ].join("\n"),
  );
});
