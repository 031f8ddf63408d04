/** So many tasks at once, so many more in line, no more. */

export interface Limit {
  /** Null, without the task having been started, when the line is full. */
  run<T>(task: () => Promise<T>): Promise<T | null>;
}

export function createLimit(maxRunning: number, maxWaiting: number): Limit {
  const line: (() => void)[] = [];
  let running = 0;

  async function enter(): Promise<boolean> {
    if (running < maxRunning) {
      running += 1;
      return true;
    }
    if (line.length >= maxWaiting) return false;
    // Who leaves hands its place over, so `running` does not change.
    await new Promise<void>((resolve) => line.push(resolve));
    return true;
  }

  function leave(): void {
    const next = line.shift();
    if (next === undefined) running -= 1;
    else next();
  }

  return {
    async run(task) {
      if (!(await enter())) return null;
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}
