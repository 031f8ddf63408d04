/** Whatever is thrown when the API server is asked, with our code and without what was sent. */
import * as v from "valibot";
import { InjectorError, messageOf } from "../errors.ts";

/** The API server answered with a status from 400 on. */
export class ApiStatusError extends Error {
  readonly code: number;
  /** As it came, or already parsed. */
  readonly body: unknown;

  constructor(code: number, body: unknown) {
    super(`HTTP ${code}`);
    this.name = "ApiStatusError";
    this.code = code;
    this.body = body;
  }
}

interface ApiStatus {
  readonly code: number;
  readonly body: unknown;
}

/** Also client-node's ApiException, which the command line meets; not by class: see connect.ts. */
function isApiStatus(error: unknown): error is ApiStatus {
  return (
    error instanceof Error && "body" in error && "code" in error && typeof error.code === "number"
  );
}

/** HTTP status of the API server's answer; null when there was none. */
export function statusOf(error: unknown): number | null {
  return isApiStatus(error) ? error.code : null;
}

/** The same of our own error, which has the API client's as its cause. */
function rootStatusOf(error: unknown): number | null {
  return statusOf(error) ?? (error instanceof Error ? statusOf(error.cause) : null);
}

/** Whether a right is missing, in what was thrown or in what caused it. */
export function isForbidden(error: unknown): boolean {
  const status = rootStatusOf(error);
  return status === 401 || status === 403;
}

/** Whether the same request may succeed a little later. */
export function isTransient(error: unknown): boolean {
  const status = rootStatusOf(error);
  return status === null || status === 409 || status === 429 || status >= 500;
}

/** `action` completes "Cannot ...". */
export function apiFailure(action: string, error: unknown): InjectorError {
  return new InjectorError("api_failed", `Cannot ${action}: ${detailOf(error)}`, error);
}

/** The API server's own message; the client's has the whole answer in it, headers included. */
function detailOf(error: unknown): string {
  if (!isApiStatus(error)) return reasonOf(error);
  const status = v.safeParse(statusSchema, parse(error.body));
  return status.success ? status.output.message : `HTTP ${error.code}`;
}

/** A connection that fails may be "fetch failed"; why is in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? wordsOf(error) : `${wordsOf(error)} (${wordsOf(cause)})`;
}

/** When several addresses were tried, why each of them failed. */
function wordsOf(error: unknown): string {
  if (!(error instanceof AggregateError)) return messageOf(error);
  return [...new Set(error.errors.map(messageOf))].join("; ");
}

const statusSchema = v.object({ message: v.pipe(v.string(), v.minLength(1)) });

/** The body of a status may be text that is no JSON: from a proxy before the API server. */
function parse(body: unknown): unknown {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
