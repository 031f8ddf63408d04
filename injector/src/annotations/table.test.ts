import { expect, test } from "vitest";
import { weakeningAnnotations } from "../settings/value.ts";
import { rows, type Row } from "./table.ts";

function whereOf({ onNamespace, onPod, weakens }: Row<unknown>): string {
  if (!onPod) return "namespace";
  if (!onNamespace) return "pod";
  return weakens
    ? "namespace; pod, if the operator lists it in `allowedPodAnnotations`"
    : "namespace, pod";
}

function renderReference(): string {
  const entries = rows.map((row) =>
    [
      `## \`${row.name}\`\n`,
      `${row.doc}\n`,
      `- Value: ${row.accepted}`,
      `- Without it: ${row.fallback}`,
      `- Where: ${whereOf(row)}\n`,
    ].join("\n"),
  );
  return `# Annotations

All values are text, so numbers and \`true\` need quotes in YAML. An annotation of the pod goes before one of
its namespace, and that before the operator's settings. A value that is not accepted denies the pod; an
unknown key under \`bouncer.dev/\` is a warning. \`bouncer.dev/status\` is written by the injector. Made from
\`injector/src/annotations/table.ts\`.

${entries.join("\n")}`;
}

test("the reference is made from the table", async () => {
  await expect(renderReference()).toMatchFileSnapshot("../../../docs/reference/annotations.md");
});

test("the annotations that weaken are those that the settings know", () => {
  const weakening = rows.filter(({ weakens }) => weakens).map(({ name }) => name);
  expect(new Set(weakening)).toEqual(
    new Set(weakeningAnnotations.map((name) => `bouncer.dev/${name}`)),
  );
});
