/** Several sources as one; of a name that more than one has, the first one's counts. */
import type { BundleSource } from "../source.ts";

export function combineSources(sources: readonly BundleSource[]): BundleSource {
  return {
    get(name) {
      for (const source of sources) {
        const bundle = source.get(name);
        if (bundle !== null) return bundle;
      }
      return null;
    },
    list() {
      const states = sources.flatMap((source) => source.list());
      return states.filter(
        ({ name }, index) => states.findIndex((other) => other.name === name) === index,
      );
    },
    isRead: () => sources.every((source) => source.isRead()),
    subscribe(listener) {
      const undo = sources.map((source) => source.subscribe(listener));
      return () => {
        for (const one of undo) one();
      };
    },
    scan: async () => {
      await Promise.all(sources.map((source) => source.scan()));
    },
    close: async () => {
      await Promise.all(sources.map((source) => source.close()));
    },
  };
}
