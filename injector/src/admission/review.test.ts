import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildReview, maxDepth, parseReview } from "./review.ts";
import type { AuditedAnswer } from "./review.ts";

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const review = {
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: {
    uid: "u",
    kind: { group: "", version: "v1", kind: "Pod" },
    namespace: "shop",
    operation: "CREATE",
    object: { spec: {}, futureField: [1] },
    options: { kind: "CreateOptions" },
  },
};

describe("parseReview", () => {
  test("takes what is used and keeps the object as it is", () => {
    expect(parseReview(encode(review))).toEqual({
      kind: "request",
      request: {
        uid: "u",
        kind: { group: "", version: "v1", kind: "Pod" },
        subResource: "",
        namespace: "shop",
        operation: "CREATE",
        dryRun: false,
        object: { spec: {}, futureField: [1] },
      },
    });
  });

  test("names the fields that are wrong", () => {
    const request = { ...review.request, uid: 7, operation: undefined };
    const parsed = parseReview(encode({ ...review, request }));
    expect(parsed).toEqual({
      kind: "malformed",
      message:
        'Cannot read AdmissionReview: request.uid is 7, accepted is string; request.operation is undefined, accepted is "operation"',
    });
  });

  test.each([
    { levels: maxDepth - 4, kind: "request" },
    { levels: maxDepth + 1, kind: "malformed" },
  ])("an object of $levels levels: $kind", ({ levels, kind }) => {
    let object: unknown = 0;
    for (let level = 0; level < levels; level += 1) object = [object];
    const bytes = encode({ ...review, request: { ...review.request, object } });
    expect(parseReview(bytes).kind).toBe(kind);
  });

  test("never throws, whatever the bytes or the JSON", () => {
    const anything = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        expect(parseReview(bytes).kind).toBe("malformed");
      }),
    );
    fc.assert(
      fc.property(fc.anything(), (request) => {
        expect(["request", "malformed"]).toContain(
          parseReview(encode({ ...review, request: request ?? null })).kind,
        );
      }),
    );
  });
});

describe("buildReview", () => {
  const audit = { result: "skipped", revision: "", mode: "" };
  const allowed: AuditedAnswer = {
    allowed: true,
    patch: [],
    warnings: [],
    reason: "opted_out",
    audit,
  };

  test("a pod that stays as it is has no patch", () => {
    expect(buildReview("u", allowed)).toEqual({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: {
        uid: "u",
        allowed: true,
        auditAnnotations: { result: "skipped", reason: "opted_out" },
      },
    });
  });

  test("the audit log gets what is known, under names that the API accepts", () => {
    const full = { ...allowed, audit: { result: "injected", revision: "blue", mode: "redirect" } };
    const auditAnnotations = {
      result: "injected",
      reason: "opted_out",
      revision: "blue",
      mode: "redirect",
    };
    expect(buildReview("u", full)).toMatchObject({ response: { auditAnnotations } });
    // The API server puts the webhook's name and a slash before them: a qualified name.
    for (const key of Object.keys(auditAnnotations)) {
      expect(key).toMatch(/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/);
    }
  });

  test("a patch is base64, in UTF-8", () => {
    const patch = [{ op: "add" as const, path: "/metadata/labels/x", value: "ü" }];
    const built = JSON.stringify(buildReview("u", { ...allowed, patch }));
    const encoded = Buffer.from(JSON.stringify(patch)).toString("base64");
    expect(built).toContain(`"patchType":"JSONPatch","patch":"${encoded}"`);
  });

  test.each([
    { code: 400, reason: "BadRequest" },
    { code: 404, reason: "NotFound" },
    { code: 422, reason: "Invalid" },
    { code: 500, reason: "InternalError" },
    { code: 503, reason: "ServiceUnavailable" },
    { code: 504, reason: "Timeout" },
  ])("a refusal with $code is $reason to clients", ({ code, reason }) => {
    const answer: AuditedAnswer = {
      allowed: false,
      code,
      message: "m",
      warnings: [],
      reason: "internal",
      audit,
    };
    expect(buildReview("u", answer)).toMatchObject({
      response: { allowed: false, status: { status: "Failure", code, reason, message: "m" } },
    });
  });

  test("a long warning is cut where the API server would", () => {
    const built = buildReview("u", { ...allowed, warnings: ["short", "x".repeat(300)] });
    expect(built).toMatchObject({
      response: { warnings: ["short", `${"x".repeat(255)}…`] },
    });
  });
});
