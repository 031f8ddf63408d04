/** Writes Events (core/v1), and reads the controllers of the objects they are about. */
import { controllerOf } from "../events/event.ts";
import type { EventDraft, ObjectReference } from "../events/event.ts";
import { apiFailure, statusOf } from "./failure.ts";
import * as v from "valibot";
import type { AskApi } from "./request.ts";

const component = "bouncer-injector";

export interface EventStore {
  write(draft: EventDraft): Promise<void>;
  readController(about: ObjectReference): Promise<ObjectReference | null>;
}

export interface EventStoreDeps {
  readonly ask: AskApi;
  /** Of this replica. */
  readonly identity: string;
  readonly now: () => number;
}

export function createEventStore({ ask, identity, now }: EventStoreDeps): EventStore {
  return {
    write: async (draft) => {
      const { namespace } = draft.about;
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
      const time = new Date(now()).toISOString();
      try {
        await ask({ method: "POST", path, body: buildEvent(draft, time, identity) });
      } catch (error) {
        throw apiFailure(`write an Event in namespace "${namespace}"`, error);
      }
    },
    readController: async (about) => {
      try {
        const { metadata } = v.parse(objectSchema, await ask(buildRead(about)));
        // An object of the same name that came later has owners of its own.
        return metadata.uid === about.uid ? controllerOf(metadata, about.namespace) : null;
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw apiFailure(`read ${about.kind} "${about.namespace}/${about.name}"`, error);
      }
    },
  };
}

const objectSchema = v.object({ metadata: v.looseObject({ uid: v.string() }) });

const collections: Readonly<Record<string, string>> = {
  ReplicaSet: "apis/apps/v1",
  Job: "apis/batch/v1",
};

function buildRead({ kind, namespace, name }: ObjectReference) {
  const [space, object] = [namespace, name].map(encodeURIComponent);
  const path = `/${collections[kind] ?? ""}/namespaces/${space}/${kind.toLowerCase()}s/${object}`;
  // Without the pod template, which may be large.
  const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
  return { method: "GET", path, accept } as const;
}

function buildEvent(draft: EventDraft, time: string, identity: string): object {
  const { about, type, reason, code, message } = draft;
  const { uid, ...reference } = about;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: {
      generateName: "bouncer-",
      namespace: about.namespace,
      annotations: { "bouncer.dev/reason": code },
    },
    involvedObject: { ...reference, ...(uid === null ? {} : { uid }) },
    type,
    reason,
    message,
    count: 1,
    firstTimestamp: time,
    lastTimestamp: time,
    source: { component },
    reportingComponent: component,
    reportingInstance: identity.slice(0, 128),
  };
}
