/**
 * MediaProcessingHandler ("Transcode video") hands a file of feedback to the actor process-media, and follows the work
 * to its end. Its run is done when the forms are there, and a dead letter with the reason when there will be none. When
 * that dead letter is reprocessed, the work begins anew. A repeated run finds the row of the file and follows the same
 * work. It only looks, so it holds no other run up.
 */

import { sendHint } from "#base/hints.ts"
import { enqueueMedia, reportFailure } from "#domain/media/processing/rows.ts"
import type { EventData } from "#events/catalogue.ts"
import { type ExternalHandler, GiveUp, type Outcome, TryLater } from "./handler.ts"

/** How long the run waits between two looks: half of the time since the upload, within these bounds, milliseconds. */
const soonestLookMs = 2_000
const latestLookMs = 60_000

export const mediaProcessingHandler = (): ExternalHandler => ({
  kind: "external",
  name: "MediaProcessingHandler",
  events: ["media.uploaded"],

  async handle(event, { db }): Promise<Outcome> {
    const { mediaId } = event.data as EventData<"media.uploaded">
    const row = await enqueueMedia(db, mediaId, event)
    if (row === undefined) return { skipped: "the file was removed" }
    if (row.state === "done") return undefined
    if (row.state === "failed" && (await reportFailure(db, event.facility_id, mediaId)) === "told") {
      throw new GiveUp(`${row.reason} ${whatToDo}`, row.reason_code ?? "gave_up")
    }
    if (row.state !== "running") sendHint("media")
    const [age] = await db<[{ ms: number }]>`
      select extract(epoch from slotbase.now() - ${event.occurred_at}::timestamptz)::float8 * 1000 as ms`
    const retryAfterMs = Math.min(latestLookMs, Math.max(soonestLookMs, age.ms / 2))
    throw new TryLater("The file is being processed.", retryAfterMs, "being_processed")
  },
})

const whatToDo = "Reprocess this dead letter to try again, after what it names was put right."
