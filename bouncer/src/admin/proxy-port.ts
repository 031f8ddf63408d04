/** The admin paths on the application's ports. */
import type { HandlerDeps } from "../proxy/handler.ts";
import { type AdminAnswer, adminRoutes, pathOf } from "./routes.ts";

/** A map: objects would keep each name that they are asked for, and the application's are many. */
const routes = new Map(Object.entries(adminRoutes));

/**
 * An answer when the request was one for us. Callers on loopback are in the pod already; everybody
 * else is answered only where ADMIN_ON_PROXY_PORT says so, and where not, the path is the
 * application's. `ask`: who knows the answer.
 */
export function createProxyPortAdmin(
  everybody: boolean,
  ask: (path: string) => Promise<AdminAnswer>,
): HandlerDeps["admin"] {
  return ({ method, target }, isLocal) => {
    if (!everybody && !isLocal) return null;
    const path = pathOf(target);
    const route = routes.get(path);
    if (route === undefined || !route.methods.includes(method)) return null;
    return route.loopbackOnly && !isLocal ? null : ask(path);
  };
}
