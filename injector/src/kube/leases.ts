/** The Lease of the reconciler, in the injector's own namespace. */
import * as v from "valibot";
import type { LeaseStore } from "../reconcile/election.ts";
import type { LeaseRecord, StoredLease } from "../reconcile/lease.ts";
import { apiFailure, statusOf } from "./failure.ts";
import type { AskApi } from "./request.ts";

const leaseSchema = v.object({
  metadata: v.object({ resourceVersion: v.string() }),
  spec: v.nullish(
    v.object({
      holderIdentity: v.nullish(v.string()),
      leaseDurationSeconds: v.nullish(v.number()),
      acquireTime: v.nullish(v.string()),
      renewTime: v.nullish(v.string()),
      leaseTransitions: v.nullish(v.number()),
    }),
  ),
});

export function createLeaseStore(ask: AskApi, namespace: string, name: string): LeaseStore {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const path = `${collection}/${name}`;
  return {
    read: async () => {
      try {
        return parse(await ask({ method: "GET", path }));
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw apiFailure(`read Lease "${name}"`, error);
      }
    },
    write: async (record, resourceVersion) => {
      const metadata = { name, namespace };
      const object = {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: resourceVersion === null ? metadata : { ...metadata, resourceVersion },
        spec: format(record),
      };
      // A merge patch leaves alone what is not ours: labels, annotations, owners.
      const request =
        resourceVersion === null
          ? ({ method: "POST", path: collection, body: object } as const)
          : ({ method: "PATCH", path, body: object } as const);
      try {
        return parse(await ask(request));
      } catch (error) {
        // Created or changed by another, or deleted meanwhile.
        if ([404, 409].includes(statusOf(error) ?? 0)) return null;
        throw apiFailure(`write Lease "${name}"`, error);
      }
    },
  };
}

function parse(answer: unknown): StoredLease {
  const { metadata, spec } = v.parse(leaseSchema, answer);
  return {
    resourceVersion: metadata.resourceVersion,
    record: {
      holder: spec?.holderIdentity ?? "",
      durationMs: (spec?.leaseDurationSeconds ?? 0) * 1000,
      acquiredAt: spec?.acquireTime ?? "",
      renewedAt: spec?.renewTime ?? "",
      transitions: spec?.leaseTransitions ?? 0,
    },
  };
}

function format(record: LeaseRecord): object {
  return {
    holderIdentity: record.holder,
    leaseDurationSeconds: record.durationMs / 1000,
    acquireTime: toMicroTime(record.acquiredAt),
    renewTime: toMicroTime(record.renewedAt),
    leaseTransitions: record.transitions,
  };
}

/** `MicroTime` has six digits and takes no fewer. */
function toMicroTime(time: string): string {
  return /\.\d{3}Z$/.test(time) ? `${time.slice(0, -1)}000Z` : time;
}
