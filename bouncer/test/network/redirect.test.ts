import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  appAddress,
  createNetwork,
  peerAddress,
  testProgram,
  type Network,
  type Side,
} from "./network.ts";

/** Ports of the pod: 3000 and 9000 are declared, 9000 is bound to loopback, 5000 is not declared. */
const port = {
  app: 3000,
  loopbackApp: 9000,
  undeclared: 5000,
  nothing: 4444,
  listener: 8080,
  secondListener: 15001,
  admin: 9090,
  outside: 7000,
} as const;

const env = {
  REDIRECT_LISTENERS: `${port.listener}:${port.app},${port.secondListener}:${port.loopbackApp}`,
  REDIRECT_OPEN_PORTS: String(port.admin),
};

let network: Network;
let app: Side;
let peer: Side;

beforeAll(async () => {
  network = createNetwork();
  ({ app, peer } = network);
  await app.serve([
    { target: { host: "::", port: port.app }, says: "app" },
    { target: { host: "127.0.0.1", port: port.loopbackApp }, says: "loopback app" },
    { target: { host: "::1", port: port.loopbackApp }, says: "loopback app" },
    { target: { host: "::", port: port.undeclared }, says: "undeclared" },
    { target: { host: "::", port: port.listener }, says: "listener" },
    { target: { host: "::", port: port.secondListener }, says: "second listener" },
    { target: { host: "::", port: port.admin }, says: "admin" },
  ]);
  await peer.serve([{ target: { host: "::", port: port.outside }, says: "outside" }]);
});

afterAll(async () => network?.close());

beforeEach(() => {
  for (const program of ["iptables-nft", "ip6tables-nft"]) {
    for (const table of ["raw", "nat", "filter"]) {
      app.run(program, "-t", table, "-F");
      app.run(program, "-t", table, "-X");
    }
  }
});

interface Container {
  readonly capabilities?: string;
  /** Loads no more than the redirect needs, unless a test is about the whole program. */
  readonly program?: readonly string[];
  /** Shell commands that change the files which the process sees, and only it. */
  readonly prepare?: string;
}

/** As in the pod: root with one capability, nothing to be gained, and a root that is read-only. */
function redirect(settings: Record<string, string> = {}, container: Container = {}) {
  const { capabilities = "+net_admin", program = [testProgram("redirect.ts")] } = container;
  const script = [
    "set -e",
    container.prepare ?? "",
    "mount --bind / / && cd / && mount -o remount,ro,bind /",
    "mount --bind /run /run && mount -o remount,ro,bind /run",
    "for d in / /run; do if touch $d/bouncer-test 2>/dev/null; then exit 99; fi; done",
    `exec setpriv --bounding-set=-all,${capabilities} --inh-caps=-all --no-new-privs -- "$@"`,
  ].join("\n");
  const command = ["sh", "-c", script, "sh", process.execPath, ...program];
  const { status, stdout, stderr } = spawnSync("ip", ["netns", "exec", app.namespace, ...command], {
    encoding: "utf8",
    env: { ...process.env, ...env, ...settings },
    timeout: 60_000,
  });
  return { status, output: `${stdout}${stderr}` };
}

function apply(settings: Record<string, string> = {}): void {
  const { status, output } = redirect(settings);
  expect(output).toContain("redirect in force");
  expect(status).toBe(0);
}

function rules(): string {
  return ["iptables-nft-save", "ip6tables-nft-save"]
    .map((program) => app.run(program))
    .join("\n")
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.replace(/ \[[0-9]+:[0-9]+\]$/, ""))
    .join("\n");
}

describe.each(["ipv4", "ipv6"] as const)("%s", (family) => {
  const from = peerAddress[family];
  const loopback = family === "ipv4" ? "127.0.0.1" : "::1";
  const at = (one: keyof typeof port) => ({ host: appAddress[family], port: port[one] });

  test("before the redirect, everything but the loopback application is open", () => {
    expect(peer.connect([at("app"), at("undeclared"), at("loopbackApp"), at("nothing")])).toEqual([
      `app from ${from} at ${port.app}`,
      `undeclared from ${from} at ${port.undeclared}`,
      "ECONNREFUSED",
      "ECONNREFUSED",
    ]);
  });

  test("a peer reaches listeners and the admin port, is refused elsewhere, and is seen as itself", () => {
    apply();
    const targets = (
      [
        "app",
        "loopbackApp",
        "listener",
        "secondListener",
        "admin",
        "undeclared",
        "nothing",
      ] as const
    ).map(at);
    expect(peer.connect(targets)).toEqual([
      `listener from ${from} at ${port.listener}`,
      `second listener from ${from} at ${port.secondListener}`,
      `listener from ${from} at ${port.listener}`,
      `second listener from ${from} at ${port.secondListener}`,
      `admin from ${from} at ${port.admin}`,
      "ECONNREFUSED",
      "ECONNREFUSED",
    ]);
  });

  test("inside the pod nothing changes, by loopback and by the pod's own address", () => {
    apply();
    const own = appAddress[family];
    const local = (one: keyof typeof port) => ({ host: loopback, port: port[one] });
    const targets = [
      local("app"),
      local("loopbackApp"),
      local("undeclared"),
      at("app"),
      at("undeclared"),
    ];
    expect(app.connect(targets)).toEqual([
      `app from ${loopback} at ${port.app}`,
      `loopback app from ${loopback} at ${port.loopbackApp}`,
      `undeclared from ${loopback} at ${port.undeclared}`,
      `app from ${own} at ${port.app}`,
      `undeclared from ${own} at ${port.undeclared}`,
    ]);
  });

  test("connections that the pod makes, and UDP, are left alone", () => {
    apply();
    expect(app.connect([{ host: peerAddress[family], port: port.outside }])).toEqual([
      `outside from ${appAddress[family]} at ${port.outside}`,
    ]);
    expect(peer.sendDatagram(at("undeclared"))).toBe("undeclared by UDP");
  });

  test("undeclared ports are open when asked for, and the application's are still decided", () => {
    apply({ REDIRECT_UNLISTED_PORTS: "allow" });
    expect(peer.connect([at("undeclared"), at("app"), at("nothing")])).toEqual([
      `undeclared from ${from} at ${port.undeclared}`,
      `listener from ${from} at ${port.listener}`,
      "ECONNREFUSED",
    ]);
  });

  test.each(["deny", "allow"])("packets that nat does not see are refused (%s)", (unlisted) => {
    apply({ REDIRECT_UNLISTED_PORTS: unlisted });
    const iptables = family === "ipv4" ? "iptables-nft" : "ip6tables-nft";
    app.run(iptables, ..."-t raw -I PREROUTING -p tcp --dport 3000 -j CT --notrack".split(" "));
    expect(peer.connect([at("app")])).toEqual(["ECONNREFUSED"]);
  });

  test("a rule that another put before ours is behind it after the next run, and is kept", () => {
    apply();
    const iptables = family === "ipv4" ? "iptables-nft" : "ip6tables-nft";
    app.run(iptables, ..."-t nat -I PREROUTING -p tcp --dport 3000 -j RETURN".split(" "));
    app.run(iptables, ..."-I INPUT -p tcp --dport 5000 -j ACCEPT".split(" "));
    expect(peer.connect([at("undeclared")])).toEqual([
      `undeclared from ${from} at ${port.undeclared}`,
    ]);
    apply();
    expect(peer.connect([at("app"), at("undeclared")])).toEqual([
      `listener from ${from} at ${port.listener}`,
      "ECONNREFUSED",
    ]);
    expect(rules()).toContain("-A INPUT -p tcp -m tcp --dport 5000 -j ACCEPT");
  });

  test("a run with other settings replaces the rules", () => {
    apply();
    apply({ REDIRECT_LISTENERS: `${port.secondListener}:${port.app}` });
    expect(peer.connect([at("app"), at("loopbackApp"), at("listener")])).toEqual([
      `second listener from ${from} at ${port.secondListener}`,
      "ECONNREFUSED",
      "ECONNREFUSED",
    ]);
  });

  test("excluded sources reach every port as it is, others are decided", () => {
    const all = [at("app"), at("undeclared"), at("listener"), at("loopbackApp")];
    const untouched = [
      `app from ${from} at ${port.app}`,
      `undeclared from ${from} at ${port.undeclared}`,
      `listener from ${from} at ${port.listener}`,
      "ECONNREFUSED",
    ];
    const blocks = {
      ipv4: ["192.0.2.2", "192.0.2.130/24", "::ffff:192.0.2.2"],
      ipv6: ["2001:db8::2", "2001:DB8:0::ff/64"],
    };
    const other = family === "ipv4" ? "2001:db8::/32" : "192.0.2.0/24";
    for (const block of blocks[family]) {
      for (const unlisted of ["deny", "allow"]) {
        apply({ REDIRECT_EXCLUDED_SOURCES: block, REDIRECT_UNLISTED_PORTS: unlisted });
        expect(peer.connect(all)).toEqual(untouched);
      }
    }
    apply({ REDIRECT_EXCLUDED_SOURCES: `10.0.0.0/8,fd00::/8,${other}` });
    expect(peer.connect([at("app"), at("undeclared")])).toEqual([
      `listener from ${from} at ${port.listener}`,
      "ECONNREFUSED",
    ]);
  });

  test("open ports, many and in ranges, are let through as they are", () => {
    const single = Array.from({ length: 40 }, (_, index) => 20_000 + 2 * index);
    const ranges = Array.from(
      { length: 10 },
      (_, index) => `${30_000 + 100 * index}-${30_010 + 100 * index}`,
    );
    const around = `${port.undeclared - 10}-${port.undeclared + 10}`;
    apply({ REDIRECT_OPEN_PORTS: [...single, around, ...ranges, port.admin].join(",") });
    expect(peer.connect([at("undeclared"), at("admin"), at("app"), at("nothing")])).toEqual([
      `undeclared from ${from} at ${port.undeclared}`,
      `admin from ${from} at ${port.admin}`,
      `listener from ${from} at ${port.listener}`,
      "ECONNREFUSED",
    ]);
  });

  test("forty ports, more than one rule can name", () => {
    const listeners = Array.from(
      { length: 40 },
      (_, index) => `${16_000 + index}:${17_000 + index}`,
    );
    apply({ REDIRECT_LISTENERS: [...listeners, `${port.listener}:${port.app}`].join(",") });
    expect(peer.connect([at("app"), at("undeclared")])).toEqual([
      `listener from ${from} at ${port.listener}`,
      "ECONNREFUSED",
    ]);
  });
});

test.each([
  ["plain", {}],
  [
    "sources in every form that there is, everybody, and every port",
    {
      REDIRECT_EXCLUDED_SOURCES:
        "10.1.2.3/8,192.0.2.2,0.0.0.0/0,FD00:0::1/9,2001:db8::2,::1.2.3.4,::1:0:0/100,64:ff9b::/96,::/0",
      REDIRECT_OPEN_PORTS: "1-7,1-2999,3001-8999,9001-65535",
    },
  ],
])("ten runs leave what one leaves: %s", (_name, settings) => {
  apply(settings);
  const once = rules();
  expect(once).toContain("BOUNCER_REDIRECT");
  for (let count = 0; count < 9; count += 1) apply(settings);
  expect(rules()).toBe(once);
});

test("all ports in one range are a rule that is in force", () => {
  apply({ REDIRECT_LISTENERS: "none", REDIRECT_OPEN_PORTS: "1-65535" });
  expect(rules()).toContain("--dport 1:65535 -j RETURN");
});

test("the program that the image runs does all this", () => {
  const program = [join(import.meta.dirname, "../../src/main.ts"), "redirect"];
  const { status, output } = redirect({}, { program });
  expect(JSON.parse(output)).toMatchObject({
    msg: "redirect in force",
    openPorts: [String(port.admin)],
  });
  expect(status).toBe(0);
  expect(redirect({ REDIRECT_UNLISTED_PORTS: "x" }, { program }).status).toBe(2);
});

test("without NET_ADMIN nothing is changed, and the message says what is missing", () => {
  const before = rules();
  const { status, output } = redirect({}, { capabilities: "-all" });
  expect(status).toBe(1);
  expect(output).toContain("redirect_not_permitted");
  expect(output).toContain("lacks the capability NET_ADMIN");
  expect(rules()).toBe(before);
});

test("the legacy programs do when nf_tables does not, given NET_RAW", () => {
  const { status, output } = redirect(
    { REDIRECT_OPEN_PORTS: "9090,20-30", REDIRECT_EXCLUDED_SOURCES: "10.0.0.1/9,fd00::1/9" },
    {
      capabilities: "+net_admin,+net_raw",
      prepare: 'mount --bind /bin/false "$(readlink -f /usr/sbin/iptables-nft-restore)"',
    },
  );
  expect(output).toContain('"backends":{"ipv4":"legacy","ipv6":"legacy"}');
  expect(status).toBe(0);
  expect(peer.connect([{ host: appAddress.ipv4, port: port.undeclared }])).toEqual([
    "ECONNREFUSED",
  ]);
  for (const legacy of ["iptables-legacy", "ip6tables-legacy"]) {
    for (const table of ["nat", "filter"]) {
      app.run(legacy, "-t", table, "-F");
      app.run(legacy, "-t", table, "-X");
    }
  }
});
