import { expect, test } from "vitest";
import { reasons } from "./reasons.ts";

const kinds = {
  inject: "Injected",
  skip: "Skipped: the pod starts without a bouncer",
  deny: "Denied: the pod is not created",
  warning: "Warnings: the pod is injected",
} as const;

function renderReference(): string {
  const sections = Object.entries(kinds).map(([kind, title]) => {
    const entries = Object.entries(reasons)
      .filter(([, reason]) => reason.kind === kind)
      .map(([code, { sentence, fix }]) => {
        const remedy = fix === "-" ? "" : `\n\n${fix}`;
        return `### \`${code}\`\n\n${sentence}${remedy}\n`;
      });
    return `## ${title}\n\n${entries.join("\n")}`;
  });
  return `# Reasons

What the injector may answer about a pod. The code is the \`reason\` of log lines, metrics and events, and
stands in parentheses in the output of the command line. Made from \`injector/src/admission/reasons.ts\`.

${sections.join("\n")}`;
}

test("the reference is made from the table", async () => {
  await expect(renderReference()).toMatchFileSnapshot("../../../docs/reference/reasons.md");
});
