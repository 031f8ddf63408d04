import { expect, test } from "vitest";
import { evaluate } from "./expression.ts";

const object = {
  metadata: { name: "web", labels: { app: "web" }, annotations: null },
  spec: { priority: 5, containers: [{ name: "web", image: "registry.example/web:1" }] },
};
const request = { operation: "CREATE", namespace: "shop" };

test.each([
  ["a field that is not there", "!has(object.spec.hostNetwork)", true],
  ["a field that is null is not there", "!has(object.metadata.annotations)", true],
  ["a key of a map", "'app' in object.metadata.labels", true],
  ["an optional field", "object.metadata.?annotations['x'].orValue('') == ''", true],
  ["whole numbers are integers", "object.spec.priority > 4 && object.spec.priority == 5", true],
  ["macros", "object.spec.containers.all(c, c.image.startsWith('registry.'))", true],
  ["regular expressions", "object.metadata.name.matches('^w.b$')", true],
  ["the request", "request.operation == 'CREATE' && request.namespace in ['shop']", true],
  ["one side of or may fail", "object.spec.nope || true", true],
  ["false", "object.metadata.name == 'api'", false],
])("%s", (_, expression, value) => {
  expect(evaluate(expression, { object, request })).toEqual({ kind: "value", value });
});

test.each([
  ["who the user is", "request.userInfo.username == 'me'", "No such key: userInfo"],
  [
    "what the user may",
    "authorizer.group('').check('get').allowed()",
    "Unknown variable: authorizer",
  ],
  ["a function that is missing", "quantity('1') == quantity('1')", "no matching overload"],
  ["a field that is missing", "object.spec.nope == 1", "No such key: nope"],
  ["what is not CEL", "object.", "Expected IDENTIFIER"],
  ["what is neither true nor false", "object.metadata.name", "it is a string, not true or false"],
])("not guessed: %s", (_, expression, problem) => {
  const evaluated = evaluate(expression, { object, request });
  expect(evaluated.kind === "failed" ? evaluated.problem : evaluated).toContain(problem);
});
