/**
 * FeedbackEnhancementAgent suggests better words for a draft of feedback, and its skills. It does so when the draft is
 * written, and again when a voice note of it was transcribed. A suggestion is kept once per event, in one transaction
 * with feedback.enhanced. So a repeated run, or one after a crash, suggests nothing twice. It asks no service twice for
 * an answer that came. The feedback itself changes only when a person approves.
 */
import type { Config } from "#base/config.ts"
import { suggestFor } from "#domain/agents/feedback/suggest.ts"
import { agentServiceOf } from "#domain/agents/services/choose.ts"
import { causedBy } from "#events/caused-by.ts"
import { askingService } from "./ask-service.ts"
import type { ExternalHandler } from "./handler.ts"

const name = "FeedbackEnhancementAgent"

export const feedbackEnhancementAgent = ({ config }: { readonly config: Config }): ExternalHandler => {
  const service = agentServiceOf(config)
  return {
    kind: "external",
    name,
    events: ["feedback.created", "media.processed"],
    async handle(event, { db, signal }) {
      const { feedbackId, processingType, success } = event.data as Facts
      if (event.type === "media.processed" && (processingType !== "ai_analysis" || !success))
        return { skipped: "no voice note was transcribed" }
      const given = { id: event.id, context: causedBy(event, config.environment) }
      const asked = { db, service, facilityId: event.facility_id, feedbackId, event: given, agent: name, signal }
      return askingService(event, () => suggestFor(asked))
    },
  }
}

interface Facts {
  readonly feedbackId: string
  readonly processingType?: string
  readonly success?: boolean
}
