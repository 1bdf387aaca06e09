/**
 * Writes the messages of events that came many at once, in turn over the facilities: a few events of one, then of the
 * next. Each part is written in the transaction that takes it out of the backlog. An event whose texts can't be made
 * becomes a dead letter of NotificationHandler by itself.
 */

import type { Actor } from "#actors/runtime/actor.ts"
import { type ReadEvent, readEvents } from "#actors/runtime/event-memory.ts"
import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { sendHint } from "#base/hints.ts"
import { nextBacklog, takeFromBacklog } from "#outbound/messages/backlog.ts"
import { type Channels, NotRendered } from "#outbound/messages/intents.ts"
import { tellPeople } from "#outbound/messages/tell.ts"
import { notWritten } from "./settle.ts"

export interface WriteTools {
  readonly db: Db
  readonly channels: Channels
  readonly config: Pick<Config, "environment">
}

/** Events of one facility at a turn. */
const eventsOfATurn = 25
/** Turns of a pass: a stop waits for no more. */
const turnsOfAPass = 10

export function writeMessages({ db, channels, config: { environment } }: WriteTools): Actor {
  let after = "00000000-0000-0000-0000-000000000000"

  /** Answers how many events were taken out. */
  const turn = (facilityId: string, atMost: number): Promise<number> =>
    db.begin(async (tx) => {
      const ids = await takeFromBacklog(tx, facilityId, atMost)
      const events = await readEvents(db, ids)
      const found = ids.map((id) => events.get(id)).filter((event) => event !== undefined)
      const gone = ids.filter((id) => !events.has(id))
      for (const id of gone) await notWritten(tx, { id, facility_id: facilityId }, new Error("the event is gone"))
      try {
        await tellPeople(tx, found, { channels, environment }, "tell")
      } catch (error) {
        if (!(error instanceof NotRendered) || found.length > 1) throw error
        // Nothing was written for it.
        await notWritten(tx, found[0] as ReadEvent, error)
      }
      reached("backlog-written")
      tx.afterCommit(() => sendHint("messages"))
      return ids.length
    })

  return {
    name: "write-messages",
    description: "Writes the messages of events that came many at once",
    wokenBy: ["messages"],
    pollEveryMs: 1_000,
    cron: "* * * * *",
    deadlineMs: 60_000,
    async pass(stopping) {
      for (let turns = 0; turns < turnsOfAPass && !stopping.aborted; turns++) {
        const facilityId = await nextBacklog(db, after)
        if (facilityId === undefined) return { more: false }
        after = facilityId
        try {
          // Another process has its turn there.
          if ((await turn(facilityId, eventsOfATurn)) === 0) return { more: false }
        } catch (error) {
          if (!(error instanceof NotRendered)) throw error
          for (let each = 0; each < eventsOfATurn; each++) await turn(facilityId, 1)
        }
      }
      return { more: !stopping.aborted }
    },
  }
}
