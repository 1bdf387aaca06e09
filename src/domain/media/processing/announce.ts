/** `media.processed`: what is announced when a form is there, when all are, and when there will be none. */
import type { Config } from "#base/config.ts"
import type { Tx } from "#base/database/transaction.ts"
import { causedBy } from "#events/caused-by.ts"
import { type EventContext, record } from "#events/outbox.ts"
import type { ClaimedMedia } from "./rows.ts"

/** The work follows from the upload. */
export const contextOf = (claim: ClaimedMedia, environment: EventContext["environment"]): EventContext =>
  causedBy({ id: claim.event_id, correlation_id: claim.correlation_id, user_id: claim.user_id }, environment)

export interface ProcessedFacts {
  readonly type: "transcoding" | "thumbnail"
  /** Why nothing came of it: a code and a sentence. Undefined: the forms are there. */
  readonly reason?: string
  readonly tookMs: number
}

/** Records media.processed. `outputUrl` answers the forms with their links, to whom may see the file: a link ends. */
export function announceProcessed(
  tx: Tx,
  { publicUrl }: Pick<Config, "publicUrl">,
  { facility_id: facilityId, media_id: mediaId, feedback_id: feedbackId }: ClaimedMedia,
  { type, reason, tookMs }: ProcessedFacts,
): void {
  record(tx, {
    type: "media.processed",
    facilityId,
    data: {
      ...{ mediaId, feedbackId, processingType: type, success: reason === undefined },
      ...(reason === undefined
        ? { outputUrl: `${publicUrl}/v1/facilities/${facilityId}/media/${mediaId}` }
        : { reason }),
      processingTime: Math.round(tookMs),
    },
  })
}
