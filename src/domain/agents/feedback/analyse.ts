/**
 * Analyses a file of feedback: transcribes a voice note, and finds the skills that it speaks of. Records
 * media.processed with what was found, or with the reason why nothing could be. The words themselves are not in the
 * event: they stay with the call. Photos and videos are not looked at.
 */
import type { Db, Queryable } from "#base/database/db.ts"
import { storageKeyOf } from "#base/storage/keys.ts"
import type { Storages } from "#base/storage/open.ts"
import type { StorageName } from "#base/storage/storage.ts"
import type { AgentService } from "#domain/agents/services/service.ts"
import { skillsNamedIn } from "#domain/agents/services/vocabulary.ts"
import { type EventContext, record, transact } from "#events/outbox.ts"
import { aboutFeedback } from "./about.ts"
import { keepNoteWords } from "./note-words.ts"
import { transcribeNote } from "./transcribe.ts"

export interface AnalyseAsked {
  readonly db: Db
  readonly storage: Storages
  readonly service: AgentService | undefined
  readonly facilityId: string
  readonly mediaId: string
  readonly event: { readonly id: string; readonly context: EventContext }
  readonly agent: string
  readonly signal: AbortSignal
}

/** Answers why nothing was analysed; undefined: it was, or it said why not. Throws ServiceBusy, ServiceRefused. */
export async function analyseMedia(asked: AnalyseAsked): Promise<string | undefined> {
  const { db, storage, facilityId, mediaId, event } = asked
  const startedAt = performance.now()
  const media = await voiceNoteOf(db, facilityId, mediaId)
  if (media === undefined) return "the file is gone"
  if (!media.is_voice_note) return "only voice notes are analysed"
  const about = await aboutFeedback(db, facilityId, media.feedback_id)
  if (about === undefined) return "the feedback is gone"
  if (about.isPublished) return "the feedback is published"
  const note = {
    ...{ mediaId, fileName: media.file_name, fileSizeBytes: media.file_size_bytes },
    durationSeconds: media.duration_seconds,
    read: () => storage.named(media.stored_in).open(storageKeyOf(facilityId, mediaId)),
  }
  const heard = await transcribeNote({ ...asked, eventId: event.id, about, note })
  const aiInsights =
    "why" in heard
      ? { transcribed: false, reason: heard.why, ruleBased: true }
      : {
          ...{
            transcribed: true,
            characters: heard.transcript.length,
            skills: skillsNamedIn(heard.transcript, about.sports),
          },
          ...(heard.model === null ? { ruleBased: true, source: "file" } : { ruleBased: false, model: heard.model }),
        }
  return (
    await transact(db, event.context, async (tx) => {
      // The file's row is the lock: a run that is repeated finds the event of the first.
      await tx`select 1 from slotbase.media where id = ${mediaId} and facility_id = ${facilityId} for update`
      const [told] = await tx`
        select 1 from slotbase.events
        where aggregate_id = ${mediaId} and facility_id = ${facilityId} and type = 'media.processed'
          and causation_id = ${event.id} and id >= ${event.id}`
      if (told) return "this event has its analysis"
      if ("transcript" in heard && heard.model === null) await keepNoteWords(tx, facilityId, mediaId, heard.transcript)
      record(tx, {
        type: "media.processed",
        facilityId,
        data: {
          ...({ mediaId, feedbackId: media.feedback_id, processingType: "ai_analysis", aiInsights } as const),
          success: aiInsights.transcribed,
          processingTime: Math.round(performance.now() - startedAt),
        },
      })
      return undefined
    })
  ).result
}

async function voiceNoteOf(db: Queryable, facilityId: string, mediaId: string) {
  const [row] = await db<
    {
      readonly feedback_id: string
      readonly is_voice_note: boolean
      readonly file_name: string
      readonly file_size_bytes: number
      readonly duration_seconds: number | null
      readonly stored_in: StorageName
    }[]
  >`
    select feedback_id, is_voice_note, file_name, file_size_bytes::float8 as file_size_bytes, duration_seconds, stored_in
    from slotbase.media where id = ${mediaId} and facility_id = ${facilityId}`
  return row
}
