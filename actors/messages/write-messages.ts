/**
 * Writes the messages of events that came many at once, in turn over the facilities: a few events of one, then of the
 * next. Each part is written in the transaction that takes it out of the backlog. An event whose texts can't be made
 * becomes a dead letter of NotificationHandler by itself. So does one that fails again and again, or ends its process.
 */

import type { Actor } from "#actors/runtime/actor.ts"
import { type ReadEvent, readEvents } from "#actors/runtime/event-memory.ts"
import type { ActorProcess } from "#actors/runtime/life-sign.ts"
import type { Config } from "#base/config.ts"
import { reached } from "#base/crash-points.ts"
import type { Db } from "#base/database/db.ts"
import { isConnectionLost } from "#base/database/errors.ts"
import { sendHint } from "#base/hints.ts"
import { type BacklogTurn, claimBacklog, nextBacklog, takeFromBacklog } from "#outbound/messages/backlog.ts"
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
/** Turns that an event may begin, two of them with others. A deadlock or a restart is over before the last. */
const turnsOfAnEvent = 5

export function writeMessages({ db, channels, config: { environment } }: WriteTools, process: ActorProcess): Actor {
  let after = "00000000-0000-0000-0000-000000000000"

  const write = (facilityId: string, owner: number, turn: BacklogTurn): Promise<void> =>
    db.begin(async (tx) => {
      const ids = await takeFromBacklog(tx, facilityId, owner, turn)
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
    })

  const giveUp = (facilityId: string, owner: number, turn: BacklogTurn, cause: Error): Promise<void> =>
    db.begin(async (tx) => {
      for (const id of await takeFromBacklog(tx, facilityId, owner, turn))
        await notWritten(tx, { id, facility_id: facilityId }, cause)
    })

  /** Answers whether there was a turn: another process may have its own there. */
  async function turn(facilityId: string, atMost: number): Promise<boolean> {
    const owner = process.owner()
    const claimed = await claimBacklog(db, facilityId, owner, atMost)
    if (claimed === undefined) return false
    if (claimed.turns > turnsOfAnEvent) await giveUp(facilityId, owner, claimed, new NeverEnded())
    else
      await write(facilityId, owner, claimed).catch((error: Error) => {
        if (claimed.turns < turnsOfAnEvent || error instanceof NotRendered || isConnectionLost(error)) throw error
        return giveUp(facilityId, owner, claimed, error)
      })
    return true
  }

  return {
    name: "write-messages",
    description: "Writes the messages of events that came many at once",
    wokenBy: ["messages"],
    pollEveryMs: 1_000,
    cron: "* * * * *",
    deadlineMs: 60_000,
    async pass(stopping) {
      for (let turns = 0; turns < turnsOfAPass && !stopping.aborted; turns++) {
        const next = await nextBacklog(db, after)
        if (next === undefined) return { more: false }
        const { facility_id: facilityId, suspect } = next
        const endQuarantine = suspect ? process.quarantine.beginSend() : () => {}
        // A run that may end the process is in quarantine: an event that may do so waits.
        if (endQuarantine === undefined) return { more: false }
        after = facilityId
        try {
          if (!(await turn(facilityId, eventsOfATurn))) return { more: false }
        } catch (error) {
          if (!(error instanceof NotRendered)) throw error
          for (let each = 0; each < eventsOfATurn; each++) await turn(facilityId, 1)
        } finally {
          endQuarantine()
        }
      }
      return { more: !stopping.aborted }
    },
  }
}

class NeverEnded extends Error {
  constructor() {
    super(`${turnsOfAnEvent} turns with it never ended, as if it ends each process that begins with it`)
  }
}
