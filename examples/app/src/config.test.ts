import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";

test("an empty environment gives one HTTP port and nothing else", () => {
  expect(parseConfig({})).toEqual({
    kind: "config",
    config: {
      pod: "unknown",
      httpPort: 3000,
      secondPort: undefined,
      tcpPort: undefined,
      grpcPort: undefined,
      unhealthyFile: "/tmp/unhealthy",
      drainSeconds: 5,
    },
  });
});

test("every setting is read", () => {
  const env = {
    POD_NAME: "web-0",
    HOSTNAME: "ignored",
    PORT: "8000",
    SECOND_PORT: "8001",
    TCP_PORT: "9000",
    GRPC_PORT: "9001",
    UNHEALTHY_FILE: "/run/sick",
    DRAIN_SECONDS: "0",
  };
  expect(parseConfig(env)).toEqual({
    kind: "config",
    config: {
      pod: "web-0",
      httpPort: 8000,
      secondPort: 8001,
      tcpPort: 9000,
      grpcPort: 9001,
      unhealthyFile: "/run/sick",
      drainSeconds: 0,
    },
  });
});

test("all problems are reported together", () => {
  expect(parseConfig({ PORT: "http", TCP_PORT: "65536", DRAIN_SECONDS: "-1" })).toEqual({
    kind: "problems",
    problems: [
      'Cannot read PORT "http": a whole number from 0 to 65535 is accepted',
      'Cannot read TCP_PORT "65536": a whole number from 0 to 65535 is accepted',
      'Cannot read DRAIN_SECONDS "-1": a whole number from 0 to 3600 is accepted',
    ],
  });
});
