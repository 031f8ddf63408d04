/** The checks of h2spec, which others hold their servers against, too (e2e/cluster/tools.sh). */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startOurs } from "./target.ts";

/**
 * Of RFC 7540, 5.3.1. Priorities are deprecated in RFC 9113, 5.3.2, which says nothing about streams
 * that depend on themselves, and what they depend on means nothing to us.
 */
const outdated = [
  "http2/5.3.1: Sends HEADERS frame that depend on itself",
  "http2/5.3.1: Sends PRIORITY frame that depend on itself",
];

/** Its titles, with the sections that they are of. */
interface Outcome {
  readonly count: number;
  readonly notPassed: readonly string[];
}

const testCase = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(\/>|>(.*?)<\/testcase>)/gs;

function readReport(xml: string): Outcome {
  const cases = [...xml.matchAll(testCase)];
  const notPassed = cases.filter(([, , , , content]) =>
    /<(error|failure|skipped)/.test(content ?? ""),
  );
  return {
    count: cases.length,
    notPassed: notPassed.map(([, section, title]) => `${section ?? ""}: ${title ?? ""}`),
  };
}

/** Ends with 1 when a check has failed, which the report tells better. */
async function runChecks(port: number, report: string): Promise<void> {
  const args = ["--port", `${port}`, "--strict", "--timeout", "3", "--junit-report", report];
  await new Promise<void>((resolve, reject) => {
    execFile("h2spec", args, (error) => {
      if (error !== null && typeof error.code === "string") reject(error);
      else resolve();
    });
  });
}

test("all checks of h2spec, but for what is outdated", async () => {
  const target = await startOurs();
  const directory = await mkdtemp(join(tmpdir(), "h2spec-"));
  try {
    const report = join(directory, "report.xml");
    await runChecks(target.port, report);
    const { count, notPassed } = readReport(await readFile(report, "utf8"));
    expect(notPassed).toEqual(outdated);
    expect(count).toBe(146);
  } finally {
    await rm(directory, { recursive: true });
    await target.close();
  }
});
