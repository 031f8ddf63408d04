/**
 * `bouncer bundle`: from Rego and data to a bundle that bouncers enforce, in one step: tested,
 * compiled, with what the decision reads of a request declared in it, signed, and opened once as a
 * bouncer would open it.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import * as v from "valibot";
import { type Files, unpack } from "../bundle/archive.ts";
import type { SignatureAlgorithm } from "../bundle/keys.ts";
import { signatureAlgorithms } from "../contract.ts";
import { findMentioned } from "../evaluation/prepare.ts";
import { plannedFrom } from "../policy/plan.ts";
import { packBundle } from "./archive.ts";
import {
  type Arguments,
  chooseFrom,
  type Command,
  exitCode,
  isSet,
  textOf,
  textsOf,
} from "./command.ts";
import { declare, type Declaration } from "./declaration.ts";
import { misuse } from "./failure.ts";
import { readText } from "./file.ts";
import { runOpa } from "./opa.ts";
import { prepareFiles } from "./policy.ts";

const usage = `Usage: bouncer bundle [options] PATH...

Makes a bundle of the Rego and data files in each PATH: runs the policy's tests, compiles it, writes
into the manifest which fields of a request the decision reads, signs it, and checks the result.
\`opa\` 1.22 or newer has to be on the PATH.

  -e, --entrypoint PATH    the rule that decides (default envoy/authz/allow)
  -o, --output FILE        default policy.tar.gz
  -r, --revision TEXT      default: none
      --serial NUMBER      grows with each version, for POLICY_REFUSE_OLDER
                           (default: seconds since 1970)
      --ignore PATTERN     files to leave out, as in opa build; can be given several times
      --no-test            do not run the policy's tests
      --signing-key FILE   sign: PEM of the private key, or a file with the shared secret (HS)
      --signing-alg NAME   RS256 (default), RS384, ..., PS512, ES256, ..., HS512
      --key-id TEXT        the key's id in the signature
      --scope TEXT         the scope in the signature
      --v0-compatible      the Rego is of OPA before 1.0

Exit codes: 0 done, 1 not done (a test failed, it does not compile), 2 wrong use.
`;

export const bundleCommand: Command = {
  name: "bundle",
  summary: "makes a bundle of Rego and data: tested, compiled, declared, signed",
  usage,
  options: {
    entrypoint: { type: "string", short: "e" },
    output: { type: "string", short: "o" },
    revision: { type: "string", short: "r" },
    serial: { type: "string" },
    ignore: { type: "string", multiple: true },
    "no-test": { type: "boolean" },
    "signing-key": { type: "string" },
    "signing-alg": { type: "string" },
    "key-id": { type: "string" },
    scope: { type: "string" },
    "v0-compatible": { type: "boolean" },
  },
  run: async (args, { print, note }) => {
    const request = readRequest(args);
    if (request.runsTests) note(await test(request));
    const directory = await mkdtemp(join(tmpdir(), "bouncer-bundle-"));
    try {
      const dependencies = await analyse(request);
      const compiled = await compile(request, directory);
      const declaration = declare(dependencies, mentionedIn(compiled));
      const files = await complete(compiled, request, declaration);
      const signed =
        request.signing === null ? files : await sign(files, request.signing, directory);
      const bytes = await packBundle(signed);
      await check(bytes, request);
      await writeFile(request.output, bytes);
      print(describe(request, declaration, bytes));
      return exitCode.yes;
    } finally {
      await rm(directory, { recursive: true });
    }
  },
};

interface Signing {
  readonly key: string;
  readonly algorithm: SignatureAlgorithm;
  readonly keyId: string | null;
  readonly scope: string | null;
}

interface BundleRequest {
  readonly paths: readonly string[];
  readonly entrypoint: string;
  readonly output: string;
  readonly revision: string | null;
  readonly serial: number;
  readonly runsTests: boolean;
  /** For each call of opa that reads the sources. */
  readonly reading: readonly string[];
  readonly signing: Signing | null;
}

function readRequest(args: Arguments): BundleRequest {
  const { positionals: paths } = args;
  if (paths.length === 0)
    throw misuse("Cannot make a bundle of nothing: name files or directories");
  const entrypoint = textOf(args, "entrypoint") ?? "envoy/authz/allow";
  if (!/^[A-Za-z_][\w-]*(?:\/[\w-]+)+$/.test(entrypoint)) {
    throw misuse(`Cannot use --entrypoint "${entrypoint}": accepted is one like envoy/authz/allow`);
  }
  const serial = Number(textOf(args, "serial") ?? Math.floor(Date.now() / 1000));
  if (!Number.isSafeInteger(serial) || serial < 0) {
    throw misuse(`Cannot use --serial "${textOf(args, "serial")}": accepted is a whole number`);
  }
  const ignored = textsOf(args, "ignore").flatMap((pattern) => ["--ignore", pattern]);
  const compatible = isSet(args, "v0-compatible") ? ["--v0-compatible"] : [];
  return {
    paths,
    entrypoint,
    output: textOf(args, "output") ?? "policy.tar.gz",
    revision: textOf(args, "revision"),
    serial,
    runsTests: !isSet(args, "no-test"),
    reading: [...ignored, ...compatible],
    signing: readSigning(args),
  };
}

function readSigning(args: Arguments): Signing | null {
  const key = textOf(args, "signing-key");
  const [keyId, scope] = [textOf(args, "key-id"), textOf(args, "scope")];
  const algorithm = chooseFrom(args, "signing-alg", ["RS256", ...signatureAlgorithms]);
  if (key !== null) return { key, algorithm, keyId, scope };
  if (keyId === null && scope === null && textOf(args, "signing-alg") === null) return null;
  throw misuse("Cannot sign without --signing-key");
}

async function test({ paths, reading }: BundleRequest): Promise<string> {
  return await runOpa("pass the policy's tests", ["test", ...reading, ...paths]);
}

/** OPA follows every rule and function that the decision may use, whatever leads there. */
async function analyse({ paths, reading, entrypoint }: BundleRequest): Promise<string> {
  const sources = paths.flatMap((path) => ["-d", path]);
  const query = `data.${entrypoint.replaceAll("/", ".")}`;
  const ignored = [...withoutCompatibility(reading), "--ignore", "*_test.rego"];
  const compatible = reading.includes("--v0-compatible") ? ["--v0-compatible"] : [];
  const args = ["deps", "--format", "json", ...ignored, ...compatible, ...sources, query];
  return await runOpa("find out what the decision reads", args);
}

function mentionedIn(files: Files): readonly string[] {
  const wasm = files.get("policy.wasm");
  return wasm === undefined ? [] : findMentioned(wasm);
}

function withoutCompatibility(reading: readonly string[]): readonly string[] {
  return reading.filter((one) => one !== "--v0-compatible");
}

/** In place, so that what is compiled does not hold where its sources were. */
async function compile(request: BundleRequest, directory: string): Promise<Files> {
  const { paths, reading, entrypoint, revision } = request;
  const output = join(directory, "bundle.tar.gz");
  const [only] = paths;
  const isDirectory = paths.length === 1 && only !== undefined && !only.endsWith(".rego");
  const where = isDirectory ? ["."] : paths.map((path) => resolve(path));
  const named = revision === null ? [] : ["--revision", revision];
  const args = ["build", "-t", "wasm", "-e", entrypoint, "-o", output, ...named, ...reading];
  await runOpa(
    "compile the policy",
    [...args, "--ignore", "*_test.rego", ...(isDirectory ? ["-b"] : []), ...where],
    isDirectory ? resolve(only) : undefined,
  );
  return await unpack(await readFile(output));
}

const manifestSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({
    metadata: v.optional(v.looseObject({ bouncer: v.optional(v.looseObject({})) })),
  }),
);

/** What the manifest has stays; what only this command knows is added. */
async function complete(
  files: Files,
  { serial }: BundleRequest,
  declaration: Declaration,
): Promise<Files> {
  const text = Buffer.from(files.get(".manifest") ?? "{}").toString();
  const manifest = v.parse(manifestSchema, text);
  const declared = declaration.fields === null ? {} : { input: declaration.fields };
  const bouncer = { ...manifest.metadata?.bouncer, ...declared, serial };
  const whole = { ...manifest, metadata: { ...manifest.metadata, bouncer } };
  return new Map([...files, [".manifest", Buffer.from(JSON.stringify(whole))]]);
}

async function sign(files: Files, signing: Signing, directory: string): Promise<Files> {
  const unsigned = join(directory, "unsigned.tar.gz");
  await writeFile(unsigned, await packBundle(files));
  const claims = join(directory, "claims.json");
  const { key, algorithm, keyId, scope } = signing;
  const extra = {
    ...(keyId === null ? {} : { keyid: keyId }),
    ...(scope === null ? {} : { scope }),
  };
  await writeFile(claims, JSON.stringify(extra));
  const isSecret = algorithm.startsWith("HS");
  const secret = isSecret ? (await readText(key)).trim() : resolve(key);
  await runOpa("sign the bundle", [
    "sign",
    "-b",
    unsigned,
    `--signing-key=${secret}`,
    `--signing-alg=${algorithm}`,
    `--claims-file=${claims}`,
    `--output-file-path=${directory}`,
  ]);
  const signatures = await readFile(join(directory, ".signatures.json"));
  return new Map([...files, [".signatures.json", signatures]]);
}

/** As a bouncer opens it; a private key is good for the public one. */
async function check(bytes: Uint8Array, request: BundleRequest): Promise<void> {
  const { entrypoint, output, signing } = request;
  const keys = signing === null ? [] : [{ ...signing, key: (await readText(signing.key)).trim() }];
  const snapshots = [{ name: basename(output), bytes, deltas: [] }];
  plannedFrom(await prepareFiles(snapshots, entrypoint, keys));
}

function describe(request: BundleRequest, declaration: Declaration, bytes: Uint8Array): string {
  const { output, entrypoint, revision, serial, signing } = request;
  const lines = [
    `${output}: ${bytes.byteLength} bytes, decides ${entrypoint}`,
    `  revision   ${revision === null ? "none" : JSON.stringify(revision)}, serial ${serial}`,
    `  signature  ${signing === null ? "none" : signing.algorithm}`,
    ...describeInput(declaration),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function describeInput(declaration: Declaration): readonly string[] {
  if (declaration.kind === "everything") {
    return [
      "  input      all of it: the decision uses `input` as a whole, so that decisions are rarely",
      "             given again; name the fields where they are used to change that",
    ];
  }
  const { fields, ignored } = declaration;
  return [
    ...(fields.length === 0
      ? ["  input      none"]
      : fields.map((field, at) => `  ${at === 0 ? "input      " : "           "}${field}`)),
    ...ignored.map((field) => `  undefined  ${field}: no bouncer ever has it`),
  ];
}
