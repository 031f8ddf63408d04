/** Checks tokens against a file of accepted ones, for bridges outside of Kubernetes. */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { Logger } from "pino";
import type { CheckToken } from "./authenticate.ts";
import { messageOf } from "./errors.ts";

const minTokenLength = 16;

/** The file is looked at on every check, since `createCachedCheck` keeps answers for a while. */
export function createStaticCheck(file: string, log: Logger): CheckToken {
  let version = "";
  let digests: readonly Buffer[] = [];

  async function refresh(): Promise<void> {
    const { ino, mtimeMs, size } = await stat(file);
    const found = `${ino}:${mtimeMs}:${size}`;
    if (found === version) return;
    const { tokens, tooShort } = parseTokens(await readFile(file, "utf8"));
    if (tooShort > 0)
      log.warn({ file, tooShort }, "tokens left out: they have less than 16 characters");
    digests = tokens.map(digest);
    version = found;
    log.info({ file, tokens: tokens.length }, "tokens loaded");
  }

  return async (token) => {
    try {
      await refresh();
    } catch (error) {
      log.error({ file, problem: messageOf(error) }, "token file cannot be read");
      return { kind: "refusal", code: "authenticator_unavailable" };
    }
    const given = digest(token);
    // All are compared, each in constant time: the time says nothing about which one was close.
    const matches = digests.filter((known) => timingSafeEqual(known, given)).length;
    if (matches === 0) return { kind: "refusal", code: "token_refused" };
    return { kind: "identity", identity: { subject: "token", pod: null } };
  };
}

export function parseTokens(text: string): { tokens: readonly string[]; tooShort: number } {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const tokens = lines.filter((line) => line.length >= minTokenLength);
  return { tokens, tooShort: lines.length - tokens.length };
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
