/** What bundles of tests have to be: unsigned, with the usual decision and the usual limits. */
import type { BundleRequirements } from "../../../src/bundle/bundle.ts";
import { requirementsOf } from "../../../src/bundle/requirements.ts";
import { configOf } from "./setting.ts";

export const requirements: BundleRequirements = await requirementsOf(configOf({}));
