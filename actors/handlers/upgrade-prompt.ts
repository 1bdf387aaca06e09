/**
 * UpgradePromptHandler: shows the people who run a facility what would help when a limit comes near. The limit itself was
 * judged, and the warning recorded, in the transaction that used the entitlement; here only the prompt is written, in the
 * transaction that settles the run. A warning that comes late, or whose plan is another one by now, is skipped.
 */

import { showPrompt } from "#domain/subscriptions/upgrade-prompts.ts"
import type { EventData } from "#events/catalogue.ts"
import type { OneByOneHandler } from "./handler.ts"

export const upgradePromptHandler = (): OneByOneHandler => ({
  kind: "transactional",
  name: "UpgradePromptHandler",
  events: ["subscription.limit_warning"],
  handle: async (tx, event) => {
    const warning = event.data as EventData<"subscription.limit_warning">
    const reason = await showPrompt(tx, event.facility_id, event.id, warning)
    return reason === undefined ? undefined : { skipped: reason }
  },
})
