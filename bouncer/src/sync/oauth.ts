/** Bearer tokens by client credentials (RFC 6749, section 4.4): asked for when there is none that lasts. */
import * as v from "valibot";
import type { Identity } from "../client/connect.ts";
import { ask, readBounded } from "../client/request.ts";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { describeFailure } from "./failure.ts";

export interface ClientCredentials {
  readonly tokenUrl: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  /** With spaces between them; null: the server's own choice. */
  readonly scopes: string | null;
}

export interface TokenSource {
  /** Throws AppError. */
  take(): Promise<string>;
  /** It was not accepted: the next one is asked for. */
  forget(): void;
}

/** A token that ends within this time could end on its way. */
const marginMs = 30_000;
/** For servers that do not say how long a token lasts. */
const defaultSeconds = 300;
const answerTimeoutMs = 10_000;
const maxAnswerBytes = 65_536;

const answerSchema = v.object({
  access_token: v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/)),
  token_type: v.pipe(v.string(), v.toLowerCase(), v.literal("bearer")),
  expires_in: v.optional(v.pipe(v.number(), v.minValue(0)), defaultSeconds),
});

export function createTokenSource(
  credentials: ClientCredentials,
  identify: () => Promise<Identity>,
  clock: Pick<Clock, "now">,
): TokenSource {
  let known: { readonly token: string; readonly endsAt: number } | null = null;
  return {
    async take() {
      if (known !== null && clock.now() < known.endsAt - marginMs) return known.token;
      const answer = await askForToken(credentials, identify);
      known = { token: answer.access_token, endsAt: clock.now() + answer.expires_in * 1000 };
      return known.token;
    },
    forget() {
      known = null;
    },
  };
}

function refuse({ tokenUrl }: ClientCredentials, reason: string, cause?: unknown): AppError {
  return new AppError("sync_unreachable", `Cannot get a token at "${tokenUrl.href}": ${reason}`, {
    cause,
  });
}

async function askForToken(
  credentials: ClientCredentials,
  identify: () => Promise<Identity>,
): Promise<v.InferOutput<typeof answerSchema>> {
  const { tokenUrl, scopes } = credentials;
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  if (scopes !== null) form.set("scope", scopes);
  try {
    const answer = await ask(tokenUrl, {
      identify,
      method: "POST",
      headers: {
        authorization: `Basic ${encodeBasic(credentials)}`,
        accept: "application/json",
        "content-type": "application/x-www-form-urlencoded",
      },
      body: form.toString(),
      headMs: answerTimeoutMs,
      pauseMs: answerTimeoutMs,
    });
    const text = (await readBounded(answer, maxAnswerBytes))?.toString();
    if (text === undefined) {
      throw refuse(credentials, `the answer is larger than ${maxAnswerBytes} bytes`);
    }
    if (answer.statusCode !== 200) {
      throw refuse(credentials, `the server answered with status ${answer.statusCode}`);
    }
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), answerSchema), text);
    // Not what was in it: it may hold a token all the same.
    if (!parsed.success) throw refuse(credentials, "the answer is no bearer token");
    return parsed.output;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refuse(credentials, describeFailure(error), error);
  }
}

/** Both parts are form-encoded first (RFC 6749, section 2.3.1). */
function encodeBasic({ clientId, clientSecret }: ClientCredentials): string {
  const [id = "", secret = ""] = [clientId, clientSecret].map((text) =>
    new URLSearchParams([["", text]]).toString().slice(1),
  );
  return Buffer.from(`${id}:${secret}`).toString("base64");
}
