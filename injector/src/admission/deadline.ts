/** An answer before the API server gives up waiting. */
import { InjectorError } from "../errors.ts";
import type { Timer } from "../loop.ts";

export function withDeadline<T>(work: Promise<T>, ms: number, timer: Timer): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = timer.after(ms, () =>
    reject(new InjectorError("deadline_exceeded", `Cannot answer within ${ms} ms`)),
  );
  return Promise.race([work, promise]).finally(cancel);
}
