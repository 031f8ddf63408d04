import { expect, test } from "vitest";
import { parseRedirectSettings } from "./settings.ts";

const one = (port: number) => ({ first: port, last: port });
const nothing = { listeners: [], openPorts: [], unlistedPorts: "deny", excludedSources: [] };

test.each([
  [
    "everything set",
    {
      REDIRECT_LISTENERS: "8080:3000, 15001:9000",
      REDIRECT_OPEN_PORTS: "9090, 8000-8010",
      REDIRECT_UNLISTED_PORTS: "allow",
      REDIRECT_EXCLUDED_SOURCES: "10.1.2.3/8, 10.0.0.0/8, fd00::1",
    },
    {
      listeners: [
        { port: 8080, targetPort: 3000 },
        { port: 15001, targetPort: 9000 },
      ],
      openPorts: [one(9090), { first: 8000, last: 8010 }],
      unlistedPorts: "allow",
      excludedSources: [
        { family: "ipv4", block: "10.0.0.0/8" },
        { family: "ipv6", block: "fd00::1/128" },
      ],
    },
  ],
  [
    "undeclared ports are refused by default",
    { REDIRECT_LISTENERS: "8080:3000" },
    { ...nothing, listeners: [{ port: 8080, targetPort: 3000 }] },
  ],
  [
    "a pod without ports",
    { REDIRECT_LISTENERS: "none", REDIRECT_OPEN_PORTS: "9090" },
    { ...nothing, openPorts: [one(9090)] },
  ],
  [
    "empty is unset",
    {
      REDIRECT_LISTENERS: "none",
      REDIRECT_OPEN_PORTS: "",
      REDIRECT_UNLISTED_PORTS: "",
      REDIRECT_EXCLUDED_SOURCES: "",
    },
    nothing,
  ],
  [
    "variables of others",
    { REDIRECT_LISTENERS: "none", PATH: "/bin", REDIRECT_PORT: "tcp://10.0.0.1:80" },
    nothing,
  ],
] as const)("%s", (_name, env, settings) => {
  expect(parseRedirectSettings(env)).toEqual({ kind: "ok", config: settings });
});

test.each([
  [
    "no listeners",
    {},
    [
      'Cannot start without REDIRECT_LISTENERS: accepted is "none", or a comma-separated list of "port:targetPort", each port listened on once',
    ],
  ],
  [
    "every problem at once",
    {
      REDIRECT_LISTENERS: "8080",
      REDIRECT_OPEN_PORTS: "0",
      REDIRECT_UNLISTED_PORTS: "maybe",
      REDIRECT_EXCLUDED_SOURCES: "10.0.0.0/8,somewhere",
    },
    [
      'Cannot use REDIRECT_LISTENERS "8080": accepted is "none", or a comma-separated list of "port:targetPort", each port listened on once',
      'Cannot use REDIRECT_OPEN_PORTS "0": accepted is a comma-separated list of ports from 1 to 65535 and ranges such as "8000-8010"',
      'Cannot use REDIRECT_UNLISTED_PORTS "maybe": accepted is "deny" or "allow"',
      'Cannot use REDIRECT_EXCLUDED_SOURCES "10.0.0.0/8,somewhere": accepted is a comma-separated list of IP addresses and CIDR blocks of either family',
    ],
  ],
  [
    "a port behind two listeners",
    { REDIRECT_LISTENERS: "8080:3000,15001:3000" },
    ["Cannot redirect port 3000: it has more than one listener"],
  ],
  [
    "a listener on an application's port",
    { REDIRECT_LISTENERS: "8080:3000,3000:9000" },
    ["Cannot listen on port 3000: it is a port of the application"],
  ],
  [
    "a port both open and redirected",
    { REDIRECT_LISTENERS: "8080:9090", REDIRECT_OPEN_PORTS: "9090" },
    ["Cannot redirect port 9090: it is among the open ports"],
  ],
  [
    "a port redirected and in an open range",
    { REDIRECT_LISTENERS: "8080:8005", REDIRECT_OPEN_PORTS: "8000-8010" },
    ["Cannot redirect port 8005: it is among the open ports"],
  ],
])("refused: %s", (_name, env, problems) => {
  expect(parseRedirectSettings(env)).toEqual({ kind: "invalid", problems });
});

test.each(["8010-8000", "0-10", "1-65536", "8000-", "-8000", "8000-8005-8010", "http", "80,"])(
  "open ports are not %s",
  (text) => {
    const read = parseRedirectSettings({ REDIRECT_LISTENERS: "none", REDIRECT_OPEN_PORTS: text });
    const problem = `Cannot use REDIRECT_OPEN_PORTS "${text}": accepted is `;
    expect(read).toEqual({ kind: "invalid", problems: [expect.stringContaining(problem)] });
  },
);

test.each([
  "10.0.0.0/33",
  "10.0.0.0/8/8",
  "10.0.0.0/",
  "10.0.0/8",
  "fd00::/129",
  "fe80::1%eth0",
  "10.0.0.1,",
  "app.example",
])("excluded sources are not %s", (text) => {
  const env = { REDIRECT_LISTENERS: "none", REDIRECT_EXCLUDED_SOURCES: text };
  const problem = `Cannot use REDIRECT_EXCLUDED_SOURCES "${text}": accepted is `;
  expect(parseRedirectSettings(env)).toEqual({
    kind: "invalid",
    problems: [expect.stringContaining(problem)],
  });
});
