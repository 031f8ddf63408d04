/** The admin paths on the application's ports. */
import type { HandlerDeps } from "../proxy/handler.ts";
import { type AdminAnswer, adminRoutes, pathOf } from "./routes.ts";

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
    const route = adminRoutes[path];
    if (route === undefined || !route.methods.includes(method)) return null;
    return route.loopbackOnly && !isLocal ? null : ask(path);
  };
}
