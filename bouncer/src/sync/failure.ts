/** What goes wrong with servers of policy, in words. */
import { AppError, type FailureCode } from "../errors.ts";

/** For what should not happen and must not stop a bouncer that has a policy. */
export function toAppError(error: unknown, code: FailureCode): AppError {
  return error instanceof AppError
    ? error
    : new AppError(code, describeFailure(error), { cause: error });
}

/** Where several addresses were tried, what was wrong with each. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describeFailure).join(", ");
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
