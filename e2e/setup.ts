/** Once before all stories: the product installed, the usual policy published. */
import { readEnvironment } from "./environment.ts";
import { install, publish } from "./install.ts";
import { deleteLeftovers } from "./namespaces.ts";
import { buildPolicy } from "./policy.ts";

export async function setup(): Promise<void> {
  await deleteLeftovers();
  await install(readEnvironment());
  await publish({ "policy.tar.gz": await buildPolicy("usual") });
}
