/** Whatever the API client throws, with our code and without the object that was sent. */
import { ApiException } from "@kubernetes/client-node";
import * as v from "valibot";
import { InjectorError, messageOf } from "../errors.ts";

/** HTTP status of the API server's answer; null when there was none. */
export function statusOf(error: unknown): number | null {
  return error instanceof ApiException ? error.code : null;
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
  if (!(error instanceof ApiException)) return reasonOf(error);
  const status = v.safeParse(statusSchema, parse(error.body));
  return status.success ? status.output.message : `HTTP ${error.code}`;
}

/** A connection that fails is "fetch failed"; why is in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const reason = cause instanceof AggregateError ? messageOf(cause.errors[0]) : messageOf(cause);
  return cause === undefined ? messageOf(error) : `${messageOf(error)} (${reason})`;
}

const statusSchema = v.object({ message: v.pipe(v.string(), v.minLength(1)) });

/** The client leaves the body of a status that it does not know as text. */
function parse(body: unknown): unknown {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
