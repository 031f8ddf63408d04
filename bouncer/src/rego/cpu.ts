/**
 * The clock that evaluations are measured by: what this thread has computed. A container that may
 * use a tenth of a processor stands still for most of the time, which is no fault of the policy.
 */

/** Milliseconds. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
