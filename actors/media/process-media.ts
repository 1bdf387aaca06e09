/**
 * Turns uploaded files into the forms that browsers play: claim → make → settle, one file at a time in each process.
 * The work runs beside the passes, so a pass is short, and no handler ever waits for a video. The lease is held by the
 * life sign of the process. After a crash another process goes on with the forms that are missing.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import { reached } from "#base/crash-points.ts"
import { log } from "#base/log.ts"
import { announceProcessed, contextOf } from "#domain/media/processing/announce.ts"
import { type ProcessingTools, processMedia } from "#domain/media/processing/process.ts"
import { MediaCutOff, MediaRefused } from "#domain/media/processing/refusal.ts"
import {
  type ClaimedMedia,
  claimMedia,
  endProcessing,
  maxAttempts,
  returnMedia,
} from "#domain/media/processing/rows.ts"
import { transact } from "#events/outbox.ts"

/** After an attempt that failed for a reason outside of the file; then four times as long. */
const firstRetryMs = 10_000
const retryFactor = 4
/** How long work may go on when the process stops, milliseconds: none, because it goes on elsewhere. */
const settleMs = 2_000

export interface MediaActor extends Actor {
  /** Resolves when nothing is under way in this process. */
  readonly idle: () => Promise<void>
}

export function processMediaActor(tools: ProcessingTools, process: Pick<ActorProcess, "owner">): MediaActor {
  const stopping = new AbortController()
  let underWay: Promise<void> | undefined
  let failure: { readonly error: unknown } | undefined

  /** One file after the other, until none waits. */
  async function workOff(): Promise<void> {
    while (!stopping.signal.aborted) {
      const claim = await claimMedia(tools.db, process.owner())
      if (!claim) return
      reached("media-claimed", claim.media_id)
      await handleMedia(tools, claim, stopping.signal)
    }
  }

  async function pass(): Promise<Pass> {
    if (failure !== undefined) {
      const { error } = failure
      failure = undefined
      throw error
    }
    if (stopping.signal.aborted) return { more: false }
    underWay ??= workOff()
      .catch((error: unknown) => {
        failure = { error }
      })
      .finally(() => {
        underWay = undefined
      })
    return { more: false }
  }

  return {
    name: "process-media",
    description: "Turns uploaded files into forms that browsers play",
    wokenBy: ["media"],
    pollEveryMs: 1_000,
    cron: "* * * * *",
    deadlineMs: 30_000,
    pass,
    idle: async () => {
      while (underWay !== undefined) await underWay
    },
    drain: async () => {
      stopping.abort(new MediaCutOff("the process stops"))
      await Promise.race([underWay, Bun.sleep(settleMs)])
    },
  }
}

/** Makes the forms of one file and settles its work, well or not. Throws when the database is away. */
async function handleMedia(tools: ProcessingTools, claim: ClaimedMedia, stopping: AbortSignal): Promise<void> {
  const began = performance.now()
  try {
    if (claim.attempts > maxAttempts) {
      throw new MediaRefused("media_gave_up", `${maxAttempts} attempts ended with their process, so there is no other.`)
    }
    await processMedia(tools, claim, stopping)
    reached("media-made", claim.media_id)
    await settle(tools, claim, performance.now() - began)
    reached("media-settled", claim.media_id)
  } catch (error) {
    if (stopping.aborted) await returnMedia(tools.db, claim, 0, false)
    else if (error instanceof MediaCutOff) return
    else if (error instanceof MediaRefused) await settle(tools, claim, performance.now() - began, error)
    else await failedFromOutside(tools, claim, performance.now() - began, error)
  }
}

/** The end of the work and its announcement, in one transaction. A file that is gone needs neither. */
async function settle(
  { db, config }: ProcessingTools,
  claim: ClaimedMedia,
  tookMs: number,
  refusal?: MediaRefused,
): Promise<void> {
  const failure = refusal && { code: refusal.code, reason: refusal.message }
  try {
    await transact(db, contextOf(claim, config.environment), async (tx) => {
      await endProcessing(tx, claim, failure)
      const reason = failure && `${failure.code}: ${failure.reason}`
      announceProcessed(tx, config, claim, { type: "transcoding", tookMs, ...(reason !== undefined && { reason }) })
    })
  } catch (error) {
    if (!(error instanceof MediaCutOff)) throw error
  }
}

/** The storage, the disk, or a child that was killed: another attempt may work. */
async function failedFromOutside(
  tools: ProcessingTools,
  claim: ClaimedMedia,
  tookMs: number,
  error: unknown,
): Promise<void> {
  const says = error instanceof Error ? error.message : String(error)
  log.warn("media not processed", { media: claim.media_id, attempt: claim.attempts, error: says })
  if (claim.attempts < maxAttempts) {
    await returnMedia(tools.db, claim, firstRetryMs * retryFactor ** (claim.attempts - 1), true)
    return
  }
  await settle(
    tools,
    claim,
    tookMs,
    new MediaRefused("media_gave_up", `${maxAttempts} attempts failed, the last one so: ${says}`),
  )
}
