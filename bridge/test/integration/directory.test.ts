import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createBundleDirectory } from "../../src/directory.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { packBundle, packRevision } from "../archive.ts";
import { bundleName, createDirectory, createMount, createTestLog } from "./support.ts";

/** `pollMs` is above what a test may take unless the test is about polling. */
async function openDirectory(
  path: string,
  options: { maxBundleBytes?: number; pollMs?: number } = {},
) {
  const logged = createTestLog();
  const codes: ErrorCode[] = [];
  const directory = createBundleDirectory({
    path,
    maxBundleBytes: options.maxBundleBytes ?? 100_000,
    pollMs: options.pollMs ?? 600_000,
    log: logged.log,
    now: () => 7,
    onRollout: null,
    onProblem: (code) => codes.push(code),
  });
  onTestFinished(() => directory.close());
  /** The next change to the content that is served. */
  const change = (): Promise<string> =>
    new Promise((resolve) => {
      const undo = directory.subscribe((name) => {
        undo();
        resolve(name);
      });
    });
  await directory.scan();
  return { directory, change, codes, logged };
}

test("a ConfigMap that changes is noticed without polling", async () => {
  const mount = await createMount();
  await mount.write({ [bundleName]: await packRevision("r1") });
  const { directory, change } = await openDirectory(mount.path);
  expect(directory.list()).toMatchObject([{ name: bundleName, readAt: 7, problem: null }]);
  expect(directory.get(bundleName)?.revision).toBe("r1");
  const changed = change();
  await mount.write({ [bundleName]: await packRevision("r2") });
  expect(await changed).toBe(bundleName);
  expect(directory.get(bundleName)?.revision).toBe("r2");
});

test("bundles come and go", async () => {
  const mount = await createMount();
  await mount.write({ "a.tar.gz": await packRevision("a") });
  const { directory, change } = await openDirectory(mount.path);
  let changed = change();
  await mount.write({ "a.tar.gz": await packRevision("a"), "b.tar.gz": await packRevision("b") });
  expect(await changed).toBe("b.tar.gz");
  changed = change();
  await mount.write({ "b.tar.gz": await packRevision("b") });
  expect(await changed).toBe("a.tar.gz");
  expect(directory.list().map((state) => state.name)).toEqual(["b.tar.gz"]);
});

test("the same content written anew is no change", async () => {
  const mount = await createMount();
  await mount.write({ [bundleName]: await packRevision("r1") });
  const { directory, codes } = await openDirectory(mount.path);
  const names: string[] = [];
  directory.subscribe((name) => names.push(name));
  await mount.write({ [bundleName]: await packRevision("r1") });
  await directory.scan();
  expect(names).toEqual([]);
  expect(codes).toEqual([]);
});

test("a broken file is reported once, and what was read before goes on being served", async () => {
  const path = await createDirectory();
  const file = join(path, bundleName);
  await writeFile(file, await packRevision("r1"));
  const { directory, codes } = await openDirectory(path);
  const next = await packRevision("r2");
  await writeFile(file, next.subarray(0, 40));
  await directory.scan();
  await directory.scan();
  expect(codes).toEqual(["bundle_broken"]);
  expect(directory.get(bundleName)?.revision).toBe("r1");
  expect(directory.list()).toMatchObject([{ problem: { code: "bundle_broken" } }]);

  await writeFile(`${file}.part`, next);
  await rename(`${file}.part`, file);
  await directory.scan();
  expect(directory.get(bundleName)?.revision).toBe("r2");
  expect(directory.list()).toMatchObject([{ problem: null }]);
});

test.each([
  ["too large", "bundle_too_large", async (file: string) => writeFile(file, Buffer.alloc(1001))],
  [
    "unpacks to too much",
    "bundle_too_large",
    async (file: string) => writeFile(file, await packBundle({ "data.json": " ".repeat(20_000) })),
  ],
  ["not a file", "bundle_unreadable", async (file: string) => mkdir(file)],
  ["empty", "bundle_broken", async (file: string) => writeFile(file, "")],
])("never served: %s", async (_name, code, make) => {
  const path = await createDirectory();
  await make(join(path, bundleName));
  const { directory, codes } = await openDirectory(path, { maxBundleBytes: 1000 });
  expect(directory.get(bundleName)).toBeNull();
  expect(codes).toEqual([code]);
  expect(directory.isRead()).toBe(true);
});

test("only names of bundles are looked at, and 100 at most", async () => {
  const path = await createDirectory();
  const bytes = await packRevision("r");
  for (const name of ["..x.tar.gz", ".tar.gz", "a b.tar.gz", "policy.zip", "-x.tar.gz"]) {
    await writeFile(join(path, name), bytes);
  }
  const { directory, codes } = await openDirectory(path);
  expect(directory.list()).toEqual([]);
  for (let index = 0; index < 101; index += 1)
    await writeFile(join(path, `${index}.tar.gz`), bytes);
  await directory.scan();
  expect(directory.list()).toHaveLength(100);
  expect(codes).toEqual(["too_many_bundles"]);
});

test("a directory that is not there yet, and one that is taken away", async () => {
  const parent = await createDirectory();
  const path = join(parent, "bundles");
  const { directory, change, codes } = await openDirectory(path, { pollMs: 20 });
  expect(directory.isRead()).toBe(false);
  const appeared = change();
  await mkdir(path);
  await writeFile(join(path, ".part"), await packRevision("r1"));
  await rename(join(path, ".part"), join(path, bundleName));
  expect(await appeared).toBe(bundleName);
  expect(directory.isRead()).toBe(true);

  await rename(path, `${path}.gone`);
  await directory.scan();
  await directory.scan();
  expect(directory.get(bundleName)?.revision).toBe("r1");
  expect(codes).toEqual(["directory_unreadable", "directory_unreadable"]);

  const back = change();
  await rm(join(`${path}.gone`, bundleName));
  await rename(`${path}.gone`, path);
  expect(await back).toBe(bundleName);
  expect(directory.get(bundleName)).toBeNull();
});
