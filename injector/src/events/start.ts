/** The recorder of Events, put together; one that records nothing when Events are switched off. */
import type { Config } from "../config.ts";
import { createEventStore } from "../kube/events.ts";
import type { EventStoreDeps } from "../kube/events.ts";
import { createOwners } from "./owners.ts";
import { createRecorder } from "./recorder.ts";
import type { Recorder, RecorderDeps } from "./recorder.ts";

export interface EventsDeps
  extends EventStoreDeps, Pick<RecorderDeps, "count" | "monotonic" | "timer" | "log"> {
  readonly onError: (error: unknown) => void;
}

export function startEvents(config: Pick<Config, "events">, deps: EventsDeps): Recorder {
  if (!config.events) return { record: () => undefined, close: () => Promise.resolve() };
  const store = createEventStore(deps);
  return createRecorder({
    ...deps,
    write: (draft) => store.write(draft),
    findTopOwner: createOwners({
      readController: (about) => store.readController(about),
      onError: deps.onError,
    }),
  });
}
