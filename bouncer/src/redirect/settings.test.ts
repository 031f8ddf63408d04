import { expect, test } from "vitest";
import { parseRedirectSettings } from "./settings.ts";

test.each([
  [
    "everything set",
    {
      REDIRECT_LISTENERS: "8080:3000, 15001:9000",
      REDIRECT_OPEN_PORTS: "9090,9091",
      REDIRECT_UNLISTED_PORTS: "allow",
    },
    {
      listeners: [
        { port: 8080, targetPort: 3000 },
        { port: 15001, targetPort: 9000 },
      ],
      openPorts: [9090, 9091],
      unlistedPorts: "allow",
    },
  ],
  [
    "undeclared ports are refused by default",
    { REDIRECT_LISTENERS: "8080:3000" },
    { listeners: [{ port: 8080, targetPort: 3000 }], openPorts: [], unlistedPorts: "deny" },
  ],
  [
    "a pod without ports",
    { REDIRECT_LISTENERS: "none", REDIRECT_OPEN_PORTS: "9090" },
    { listeners: [], openPorts: [9090], unlistedPorts: "deny" },
  ],
  [
    "empty is unset",
    { REDIRECT_LISTENERS: "none", REDIRECT_OPEN_PORTS: "", REDIRECT_UNLISTED_PORTS: "" },
    { listeners: [], openPorts: [], unlistedPorts: "deny" },
  ],
  [
    "variables of others",
    { REDIRECT_LISTENERS: "none", PATH: "/bin", REDIRECT_PORT: "tcp://10.0.0.1:80" },
    { listeners: [], openPorts: [], unlistedPorts: "deny" },
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
    },
    [
      'Cannot use REDIRECT_LISTENERS "8080": accepted is "none", or a comma-separated list of "port:targetPort", each port listened on once',
      'Cannot use REDIRECT_OPEN_PORTS "0": accepted is a comma-separated list of ports from 1 to 65535',
      'Cannot use REDIRECT_UNLISTED_PORTS "maybe": accepted is "deny" or "allow"',
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
])("refused: %s", (_name, env, problems) => {
  expect(parseRedirectSettings(env)).toEqual({ kind: "invalid", problems });
});
