/** Versions of Kubernetes, as far as the injector compares them. Pure. */

/** `v1.34.1+k3s1` is "1.34.1"; null when it is no version. */
export function parseVersion(text: string): string | null {
  const match = /^v?(\d+\.\d+(?:\.\d+)?)(?![\d.])/.exec(text);
  return match?.[1] ?? null;
}

/** The older of two versions such as `1.34.1`. */
export function older(left: string, right: string): string {
  const [one, other] = [numbersOf(left), numbersOf(right)];
  for (let part = 0; part < 3; part += 1) {
    const difference = (one[part] ?? 0) - (other[part] ?? 0);
    if (difference !== 0) return difference < 0 ? left : right;
  }
  return left;
}

function numbersOf(version: string): number[] {
  return version.split(".").map(Number);
}
