/** `graph.reachable_paths`. */
import type { Builtins, Operands, Query } from "../builtin.ts";
import { isArray, keyOf, RegoSet, type RegoObject, type Value } from "../value.ts";

/** A node on the way by its key, and which of its neighbours are still to be visited. */
interface Step {
  readonly key: string;
  readonly left: IterableIterator<Value>;
}

function findPaths(operands: Operands, query: Query): Value {
  const graph = operands.object(0);
  const paths: Value[] = [];
  for (const root of operands.collection(1)) {
    const neighbours = findNeighbours(graph, root);
    if (neighbours === null) continue;
    if (neighbours.length === 0) paths.push([root]);
    // The way back to the root counts only from its second node on, as in OPA.
    for (const neighbour of neighbours) walk({ graph, query, paths }, root, neighbour);
  }
  return new RegoSet(paths);
}

/** null when the node is not in the graph. */
function findNeighbours(graph: RegoObject, node: Value): readonly Value[] | null {
  const edges = graph.get(node);
  if (edges === undefined) return null;
  if (edges instanceof RegoSet) return [...edges];
  return isArray(edges) ? edges : [];
}

interface Walk {
  readonly graph: RegoObject;
  readonly query: Query;
  readonly paths: Value[];
}

/** Every path that ends in a circle, in a dead end, or with a node that is not in the graph. */
function walk({ graph, query, paths }: Walk, root: Value, neighbour: Value): void {
  const path: Value[] = [root];
  const rootKey = keyOf(root);
  const reached = new Set([rootKey]);
  const steps: Step[] = [];
  const enter = (node: Value): void => {
    query.checkTime();
    const neighbours = findNeighbours(graph, node);
    if (neighbours === null || neighbours.length === 0) {
      paths.push(neighbours === null ? path.slice() : [...path, node]);
      return;
    }
    const key = keyOf(node);
    path.push(node);
    reached.add(key);
    steps.push({ key, left: neighbours.values() });
  };
  enter(neighbour);
  for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
    const next = step.left.next();
    if (next.done === true) {
      steps.pop();
      path.pop();
      if (step.key !== rootKey) reached.delete(step.key);
    } else if (reached.has(keyOf(next.value))) {
      paths.push(path.slice());
    } else {
      enter(next.value);
    }
  }
}

export const builtins: Builtins = { "graph.reachable_paths": findPaths };
