/** Asks Go's standard library, on which OPA's Envoy plugin is built, how it reads something. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";

export interface Question {
  readonly kind: "path" | "form" | "json" | "multipart";
  readonly bytes: Uint8Array;
  readonly contentType?: string;
}

export interface Answer {
  readonly accepted: boolean;
  /** As JSON, numbers as they were written; of no meaning when it was not accepted. */
  readonly value: string;
}

/** One answer for each question; all of them in one run. */
export async function askGo(questions: readonly Question[]): Promise<readonly Answer[]> {
  const child = spawn("go", ["run", join(import.meta.dirname, "reader.go")], {
    env: { ...process.env, GOFLAGS: "", GOWORK: "off", GOTOOLCHAIN: "local" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const started = once(child, "spawn").catch((error: unknown) => {
    throw new Error("go is not on the PATH; it is needed to ask its standard library", {
      cause: error,
    });
  });
  await started;
  const closed = once(child, "close");
  child.stdin.end(questions.map((question) => `${writeQuestion(question)}\n`).join(""));
  const [out, problem] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await closed;
  if (child.exitCode !== 0) throw new Error(`go run failed: ${problem.slice(0, 500)}`);
  const answers = out.split("\n").slice(0, -1).map(readAnswer);
  if (answers.length !== questions.length) throw new Error(`go gave ${answers.length} answers`);
  return answers;
}

function writeQuestion({ kind, bytes, contentType = "" }: Question): string {
  const encoded = Buffer.from(bytes).toString("base64");
  return JSON.stringify({ Kind: kind, ContentType: contentType, Bytes: encoded });
}

function readAnswer(line: string): Answer {
  const [, accepted, value] = /^\{"accepted":(true|false),"value":(.*)\}$/s.exec(line) ?? [];
  if (accepted === undefined || value === undefined) throw new Error(`go answered ${line}`);
  return { accepted: accepted === "true", value };
}
