/**
 * What is known of a collection, and what lists and watch events do to it. Objects are known until
 * an event or a whole list says that they are gone, also when the watch has to begin anew. Pure.
 */
import * as v from "valibot";
import { ApiStatusError } from "./failure.ts";

export interface WatchState<T> {
  /** Events change it in place, since there may be thousands; a list makes a new one. */
  readonly objects: Map<string, T>;
  /** Where the watch goes on; null: it begins with a list. */
  readonly version: string | null;
}

/** What is kept of an object. Throws when it is not such an object. */
export type Pick<T> = (object: unknown) => T;

export type Step<T> =
  | { readonly kind: "changed" | "unchanged"; readonly state: WatchState<T> }
  /** The API server has forgotten what came after that version. */
  | { readonly kind: "expired"; readonly state: WatchState<T> }
  | { readonly kind: "failed"; readonly state: WatchState<T>; readonly error: Error };

export function createState<T>(): WatchState<T> {
  return { objects: new Map(), version: null };
}

const version = v.pipe(v.string(), v.minLength(1));
/** Loose, since what is kept of an object is picked from what was parsed. */
const metadata = v.looseObject({
  name: v.pipe(v.string(), v.minLength(1)),
  resourceVersion: version,
});
const eventSchema = v.variant("type", [
  v.object({
    type: v.picklist(["ADDED", "MODIFIED", "DELETED"]),
    object: v.looseObject({ metadata }),
  }),
  v.object({
    type: v.literal("BOOKMARK"),
    object: v.object({ metadata: v.object({ resourceVersion: version }) }),
  }),
  v.object({ type: v.literal("ERROR"), object: v.looseObject({ code: v.optional(v.number()) }) }),
]);

export const gone = 410;

/** The state after one line of a watch. What is not understood makes it begin with a list. */
export function applyLine<T>(state: WatchState<T>, line: string, pick: Pick<T>): Step<T> {
  try {
    return applyEvent(state, v.parse(eventSchema, JSON.parse(line)), pick);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return fail(state, new Error(`an event was not understood: ${detail}`, { cause: error }));
  }
}

function applyEvent<T>(
  state: WatchState<T>,
  event: v.InferOutput<typeof eventSchema>,
  pick: Pick<T>,
): Step<T> {
  if (event.type === "ERROR") {
    const { code = 500 } = event.object;
    if (code === gone) return { kind: "expired", state: beginAnew(state) };
    return fail(state, new ApiStatusError(code, event.object));
  }
  const next = { ...state, version: event.object.metadata.resourceVersion };
  if (event.type === "BOOKMARK") return { kind: "unchanged", state: next };
  const { name } = event.object.metadata;
  if (event.type === "DELETED") state.objects.delete(name);
  else state.objects.set(name, pick(event.object));
  return { kind: "changed", state: next };
}

function fail<T>(state: WatchState<T>, error: Error): Step<T> {
  return { kind: "failed", state: beginAnew(state), error };
}

/** With a list; until it is there, what was known stays known. */
export function beginAnew<T>({ objects }: WatchState<T>): WatchState<T> {
  return { objects, version: null };
}

const pageSchema = v.object({
  metadata: v.object({ resourceVersion: version, continue: v.optional(v.string(), "") }),
  items: v.array(v.looseObject({ metadata: v.looseObject({ name: v.string() }) })),
});

export interface Page<T> {
  readonly objects: readonly (readonly [string, T])[];
  readonly version: string;
  /** Where the next page begins; empty after the last one. */
  readonly next: string;
}

/** Throws when it is not a page of a list. */
export function parsePage<T>(answer: unknown, pick: Pick<T>): Page<T> {
  const page = v.parse(pageSchema, answer);
  return {
    objects: page.items.map((item) => [item.metadata.name, pick(item)] as const),
    version: page.metadata.resourceVersion,
    next: page.metadata.continue,
  };
}

/** Everything that is in no page is gone. The pages are those of one list, one at least. */
export function applyPages<T>(pages: readonly Page<T>[]): WatchState<T> {
  // The first page's version: what happened while the others were asked for is told by the watch.
  const first = pages[0]?.version ?? null;
  return { objects: new Map(pages.flatMap(({ objects }) => objects)), version: first };
}
