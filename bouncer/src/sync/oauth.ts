/** Bearer tokens by client credentials (RFC 6749, section 4.4): asked for when there is none that lasts. */
import { type Dispatcher, request } from "undici";
import * as v from "valibot";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";

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
  dispatcher: Dispatcher,
  clock: Pick<Clock, "now">,
): TokenSource {
  let known: { readonly token: string; readonly endsAt: number } | null = null;
  return {
    async take() {
      if (known !== null && clock.now() < known.endsAt - marginMs) return known.token;
      const answer = await ask(credentials, dispatcher);
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

async function ask(
  credentials: ClientCredentials,
  dispatcher: Dispatcher,
): Promise<v.InferOutput<typeof answerSchema>> {
  const { tokenUrl, scopes } = credentials;
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  if (scopes !== null) form.set("scope", scopes);
  try {
    const { statusCode, body } = await request(tokenUrl, {
      dispatcher,
      method: "POST",
      headers: {
        authorization: `Basic ${encodeBasic(credentials)}`,
        accept: "application/json",
        "content-type": "application/x-www-form-urlencoded",
      },
      body: form.toString(),
      headersTimeout: answerTimeoutMs,
      bodyTimeout: answerTimeoutMs,
    });
    const text = await readText(body);
    if (statusCode !== 200) {
      throw refuse(credentials, `the server answered with status ${statusCode}`);
    }
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), answerSchema), text);
    // Not what was in it: it may hold a token all the same.
    if (!parsed.success) throw refuse(credentials, "the answer is no bearer token");
    return parsed.output;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refuse(credentials, error instanceof Error ? error.message : String(error), error);
  }
}

/** Both parts are form-encoded first (RFC 6749, section 2.3.1). */
function encodeBasic({ clientId, clientSecret }: ClientCredentials): string {
  const [id = "", secret = ""] = [clientId, clientSecret].map((text) =>
    new URLSearchParams([["", text]]).toString().slice(1),
  );
  return Buffer.from(`${id}:${secret}`).toString("base64");
}

async function readText(body: AsyncIterable<unknown>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.byteLength;
    if (size > maxAnswerBytes) throw new Error(`the answer is larger than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
