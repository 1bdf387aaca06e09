/**
 * UpgradePromptHandler shows a facility's administrators a prompt when a limit comes near. The transaction that used
 * the entitlement has judged the limit and recorded the warning. This handler only writes the prompt, in the
 * transaction that settles the run. Idempotent: a facility has one prompt per entitlement, of its newest warning. A
 * warning that comes late, or whose plan has changed since, is skipped.
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
