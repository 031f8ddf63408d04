import { describe, expect, test } from "vitest";
import { adminToken, buildContext } from "../../test/support/context.ts";
import { corpusFiles, corpusPods } from "../../test/support/corpus.ts";
import { inject } from "../inject/pod.ts";
import { runCommandLine } from "./command-line.ts";
import { readDocuments } from "./documents.ts";
import { changeWorkloads } from "./workloads.ts";

const settingsFile = `
policy:
  bundleUrl: https://bridge:8443/bundles/policy.tar.gz
`;

async function run(argv: readonly string[], files: Readonly<Record<string, string | Uint8Array>>) {
  const out: string[] = [];
  const err: string[] = [];
  const open = async (path: string): Promise<Uint8Array> => {
    const content = files[path];
    if (content === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
    return typeof content === "string" ? new TextEncoder().encode(content) : content;
  };
  const code = await runCommandLine(argv, {
    program: "bouncer-injector",
    isTerminal: false,
    now: () => 0,
    version: "1.2.3",
    readFile: open,
    readStdin: () => open("-"),
    writeStdout: (text) => out.push(text),
    writeStderr: (text) => err.push(text),
    createAdminToken: () => adminToken,
  });
  return { code, stdout: out.join(""), stderr: err.join("") };
}

const injectFile = (text: string) =>
  run(["inject", "-f", "-", "--config", "c.yaml"], { "-": text, "c.yaml": settingsFile });
const uninjectFile = (text: string) => run(["uninject", "-f", "-"], { "-": text });

function read(text: string) {
  const result = readDocuments(text);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.documents;
}

describe.each(corpusFiles)("$file", ({ text }) => {
  test("inject of an injected file changes nothing", async () => {
    const once = await injectFile(text);
    expect(once.code).toBe(0);
    const twice = await injectFile(once.stdout);
    expect(twice.stdout).toBe(once.stdout);
    expect(twice.stderr).not.toMatch(/: (already )?injected/);
  });

  test("uninject gives the input back", async () => {
    const injected = await injectFile(text);
    const restored = read((await uninjectFile(injected.stdout)).stdout);
    const before = read(text);
    const between = read(injected.stdout);
    expect(restored.map(({ value }) => value)).toEqual(before.map(({ value }) => value));
    for (const [index, document] of before.entries()) {
      const isTouched = between[index]?.text !== document.text;
      expect(isTouched || restored[index]?.text === document.text).toBe(true);
    }
  });

  test("uninject leaves a file alone that was never injected", async () => {
    expect((await uninjectFile(text)).stdout).toBe(text);
  });
});

test("the webhook's answer is the command line's", async () => {
  const file = corpusFiles.map(({ text }) => (text.endsWith("\n") ? text : `${text}\n`));
  const { stdout } = await run(["inject", "-f", "-"], { "-": file.join("---\n") });
  const pods: unknown[] = [];
  for (const { value } of read(stdout)) {
    changeWorkloads(value, (pod) => {
      pods.push(pod);
      return null;
    });
  }
  const expected = corpusPods.map(([title, pod]) => {
    const name = title.endsWith("pod/proxy") ? "kube-system" : "shop";
    const injection = inject(
      pod,
      buildContext({ namespace: { ...buildContext().namespace, name } }),
    );
    return injection.kind === "inject" ? injection.pod : pod;
  });
  expect(pods).toEqual(expected);
});

const deployment = (extra = "") => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {annotations: {bouncer.dev/preset: small${extra}}}
    spec:
      containers: [{name: web, image: web, ports: [{containerPort: 3000}]}]
`;
const configMap = `# settings
apiVersion: v1
kind: ConfigMap
metadata: {name:   settings}   # odd   spacing
data: {mode: 0644, when: 2026-01-01}
`;

test("what is not touched goes out byte for byte, in its place", async () => {
  const { stdout } = await injectFile(`${configMap}---\n${deployment()}---\n${configMap}`);
  expect(stdout.startsWith(`${configMap}---\napiVersion: apps/v1\n`)).toBe(true);
  expect(stdout.endsWith(`---\n${configMap}`)).toBe(true);
});

test("each object gets a line, and warnings", async () => {
  const skipped = `apiVersion: v1
kind: Pod
metadata: {name: out, labels: {bouncer.dev/inject: "false"}}
spec: {containers: [{name: app}]}
`;
  const text = [deployment(", bouncer.dev/prest: x"), configMap, skipped].join("---\n");
  const { stderr } = await injectFile(text);
  expect(stderr.split("\n")).toEqual([
    "deployment/web: injected",
    "deployment/web: warning: annotation bouncer.dev/prest of the pod (did you mean bouncer.dev/preset?): An annotation under bouncer.dev/ is not known and was ignored. (unknown_annotation)",
    `pod/out: skipped: The pod has the label or the annotation bouncer.dev/inject: "false". (opted_out)`,
    "",
  ]);
  const { stdout } = await injectFile(text);
  expect((await injectFile(stdout)).stderr).toContain("deployment/web: unchanged, it was injected");
  expect((await uninjectFile(stdout)).stderr).toBe(
    "deployment/web: uninjected\npod/out: unchanged, it has no bouncer\n",
  );
});

test("another configuration renders again", async () => {
  const { stdout } = await injectFile(deployment());
  const other = { "-": stdout, "c.yaml": "image: other:1\npolicy: {syncUrl: wss://b/v1/sync}\n" };
  const again = await run(["inject", "-f", "-", "--config", "c.yaml"], other);
  expect(again.stderr).toBe("deployment/web: already injected\n");
  expect(again.stdout).toContain("image: other:1");
  expect(read((await uninjectFile(again.stdout)).stdout)[0]?.value).toEqual(
    read(deployment())[0]?.value,
  );
});

test("other kinds of the same name are not workloads", async () => {
  const text = deployment().replace("apps/v1", "batch.volcano.sh/v1alpha1");
  expect(await injectFile(text)).toMatchObject({ stdout: text, stderr: "" });
});

describe("wrong input: where, what, and nothing on stdout", () => {
  const wrong: readonly (readonly [string, string, string])[] = [
    [
      "a bad annotation",
      `${configMap}---\n${deployment(", bouncer.dev/cache-ttl: 1m")}`,
      `error: standard input: document 2: deployment/web: spec.template: annotation bouncer.dev/cache-ttl of the pod: "1m" is not a whole number of seconds from 0 to 86400 (invalid_annotation)`,
    ],
    [
      "an annotation without quotes",
      deployment(", bouncer.dev/cache-ttl: 5"),
      `error: standard input: document 1: deployment/web: spec.template: metadata.annotations.bouncer.dev/cache-ttl: 5 is not text (quote the value) (invalid_pod)`,
    ],
    [
      "no template",
      "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: job-}\nspec: {}\n",
      "error: standard input: document 1: job/job-: spec.template: missing",
    ],
    [
      "a number too large",
      deployment().replace("containerPort: 3000", "containerPort: 3000, x: 9007199254740993"),
      "error: standard input: document 1: spec.template.spec.containers.0.ports.0.x: the number is too large to be kept exactly; quote it if it is text",
    ],
    [
      "a key twice",
      "kind: Pod\nkind: Pod\n",
      "error: standard input: document 1, line 2: duplicated mapping key",
    ],
  ];

  test.each(wrong)("%s", async (_, text, message) => {
    expect(await injectFile(text)).toEqual({ code: 1, stdout: "", stderr: `${message}\n` });
  });

  test("all of it", async () => {
    const text = wrong.slice(0, 3).map(([, one]) => one);
    const { code, stdout, stderr } = await injectFile(text.join("---\n"));
    expect({ code, stdout, lines: stderr.trim().split("\n").length }).toEqual({
      code: 1,
      stdout: "",
      lines: 3,
    });
  });

  test("a status that nobody can read", async () => {
    const text = deployment(", bouncer.dev/status: x");
    expect((await uninjectFile(text)).stderr).toContain(
      "document 1: deployment/web: spec.template: annotation bouncer.dev/status is not what was written",
    );
  });

  test("no such file", async () => {
    expect(await run(["uninject", "-f", "x.yaml"], {})).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: Cannot read "x.yaml": ENOENT: no such file or directory, open 'x.yaml'\n`,
    });
  });

  test("bytes that are not UTF-8", async () => {
    const { code, stderr } = await run(["uninject", "-f", "-"], { "-": Uint8Array.of(0xff, 0xfe) });
    expect(code).toBe(1);
    expect(stderr).toContain(`error: Cannot read "-": `);
  });

  test("a configuration that is not accepted", async () => {
    const files = { "-": deployment(), "c.yaml": "preset: tiny\nimgae: x\n" };
    const { code, stdout, stderr } = await run(["inject", "-f", "-", "--config", "c.yaml"], files);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(`error: c.yaml: preset: "tiny" is not one of small, medium`);
    expect(stderr).toContain("error: c.yaml: the file: unknown imgae; accepted are");
  });
});

test("a configuration is one document", async () => {
  const files = { "-": deployment(), "c.yaml": "preset: large\n---\npreset: small\n" };
  expect(await run(["inject", "-f", "-", "--config", "c.yaml"], files)).toEqual({
    code: 1,
    stdout: "",
    stderr: "error: c.yaml: more than one document, accepted is one\n",
  });
});

test("without a configuration, it is said what that means", async () => {
  const { code, stderr } = await run(["inject", "-f", "-"], { "-": deployment() });
  expect(code).toBe(0);
  expect(stderr).toContain("warning: without --config, pods know of no policy");
});

test.each([
  [["--help"], 0],
  [["-h"], 0],
  [["help"], 0],
  [["inject", "--help"], 0],
  [["uninject", "-h"], 0],
  [["help", "uninject"], 0],
])("help: %s", async (argv, code) => {
  const result = await run(argv, {});
  expect(result).toMatchObject({ code, stderr: "" });
  expect(result.stdout).toContain("Exit codes: 0 good; 1 the input, the configuration or the");
});

test("the version", async () => {
  expect(await run(["--version"], {})).toEqual({ code: 0, stdout: "1.2.3\n", stderr: "" });
});

test.each([
  [[], "a command is missing"],
  [["injekt"], `unknown command "injekt"; did you mean "inject"?`],
  [["help", "ininject"], `unknown command "ininject"; did you mean "uninject"?`],
  [["-f", "x", "inject"], `"-f" stands before the command; the command comes first`],
  [["inject"], "-f FILE is missing"],
  [["inject", "web.yaml"], `unexpected argument "web.yaml"; files are given with -f`],
  [["check", "web"], `unexpected argument "web"\n`],
  [["check", "-f", "x"], "check takes no --filename"],
  [["check", "-o", "xml"], `--output "xml" is not one of table, json, yaml`],
  [["explain"], "accepted is either POD, KIND/NAME or -f FILE"],
  [["explain", "web", "-f", "x"], "accepted is either POD, KIND/NAME or -f FILE"],
  [["explain", "service/web"], `kind "service" is not one of pod,`],
  [["uninject", "-f", "-", "--config", "c"], "uninject takes no --config"],
  [["inject", "--file", "x"], "Unknown option '--file'"],
  [["inject", "-f"], "Option '-f, --filename <value>' argument missing"],
])("wrong use: %s", async (argv, message) => {
  const result = await run(argv, { "-": "" });
  expect(result).toMatchObject({ code: 2, stdout: "" });
  expect(result.stderr).toContain(`error: ${message}`);
});
