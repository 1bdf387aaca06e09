/**
 * AIAnalysisHandler ("Analyze content") transcribes the voice notes of feedback, and names the skills in them. It
 * records media.processed with `aiInsights` once per event. Without a speech service the note stays untranscribed,
 * and the event says so. A repeated run finds the event, or the answer that is kept.
 */
import type { Config } from "#base/config.ts"
import type { Storages } from "#base/storage/open.ts"
import { analyseMedia } from "#domain/agents/feedback/analyse.ts"
import { agentServiceOf } from "#domain/agents/services/choose.ts"
import type { EventData } from "#events/catalogue.ts"
import { causedBy } from "#events/caused-by.ts"
import { askingService } from "./ask-service.ts"
import type { ExternalHandler } from "./handler.ts"

const name = "AIAnalysisHandler"

export interface AnalysisTools {
  readonly config: Config
  readonly storage: Storages
}

export const aiAnalysisHandler = ({ config, storage }: AnalysisTools): ExternalHandler => {
  const service = agentServiceOf(config)
  return {
    kind: "external",
    name,
    events: ["media.uploaded"],
    async handle(event, { db, signal }) {
      const { mediaId, mediaType } = event.data as EventData<"media.uploaded">
      if (mediaType !== "audio") return { skipped: "only voice notes are analysed" }
      const given = { id: event.id, context: causedBy(event, config.environment) }
      const asked = { db, storage, service, facilityId: event.facility_id, mediaId, event: given, agent: name, signal }
      return askingService(event, () => analyseMedia(asked))
    },
  }
}
