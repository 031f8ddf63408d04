/** What the example app is told by its environment. Ports that are not named stay closed. */

export interface Config {
  readonly pod: string;
  readonly httpPort: number;
  readonly secondPort: number | undefined;
  readonly tcpPort: number | undefined;
  readonly grpcPort: number | undefined;
  readonly unhealthyFile: string;
  readonly drainSeconds: number;
}

export type ParsedConfig =
  | { readonly kind: "config"; readonly config: Config }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

type Environment = Readonly<Record<string, string | undefined>>;

export function parseConfig(env: Environment): ParsedConfig {
  const problems: string[] = [];

  const whole = (name: string, limit: number): number | undefined => {
    const value = env[name] ?? "";
    if (value === "") return undefined;
    if (/^\d+$/.test(value) && Number(value) <= limit) return Number(value);
    problems.push(`Cannot read ${name} "${value}": a whole number from 0 to ${limit} is accepted`);
    return undefined;
  };

  const config: Config = {
    pod: env["POD_NAME"] ?? env["HOSTNAME"] ?? "unknown",
    httpPort: whole("PORT", 65_535) ?? 3000,
    secondPort: whole("SECOND_PORT", 65_535),
    tcpPort: whole("TCP_PORT", 65_535),
    grpcPort: whole("GRPC_PORT", 65_535),
    unhealthyFile: env["UNHEALTHY_FILE"] ?? "/tmp/unhealthy",
    drainSeconds: whole("DRAIN_SECONDS", 3600) ?? 5,
  };
  return problems.length === 0 ? { kind: "config", config } : { kind: "problems", problems };
}
