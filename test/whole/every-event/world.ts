// The world of the table: one database with the HTTP API, a mail server, every handler and the program's scheduled
// jobs. Its people are registered once and play a role in every club of the table.

import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { handlersOf, mirrorHandlers } from "#actors/handlers/index.ts"
import { bookingReminderCheck } from "#actors/jobs/booking-reminder-check.ts"
import { noShowDetection } from "#actors/jobs/no-show-detection.ts"
import { subscriptionRenewalCheck } from "#actors/jobs/subscription-renewal-check.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { prepareActor } from "#actors/runtime/actor.ts"
import { type TestApi, testApi } from "#test/harness/api/api.ts"
import { startJobs } from "#test/harness/club/jobs.ts"
import { postOffice } from "#test/harness/outbound/post-office.ts"
import { smtpReceiver } from "#test/harness/outside/smtp.ts"
import { actorProcess, dispatchAll, processRow } from "#test/harness/pipeline/pipeline.ts"

export type Person = Awaited<ReturnType<TestApi["person"]>>

export async function makeWorld() {
  const mail = await smtpReceiver()
  const dataDir = await mkdtemp(join(tmpdir(), "slotbase-uploads-"))
  const api = await testApi({ dataDir, smtpUrl: mail.url, mailFrom: "Riverside <mail@club.example>" })
  const { db } = api.database
  const handlers = handlersOf(api.app)
  await mirrorHandlers(db, handlers)
  const process = actorProcess(await processRow(db, true))
  const never = new AbortController().signal
  const actors = handlers.map((handler) => ({
    events: handler.events as readonly string[],
    running: prepareActor(runHandler(api.app, handler, process), never),
  }))
  const lastPosition = async () => {
    const [row] = await db<[{ last: number }]>`
      select coalesce(max(position), 0)::int as last from slotbase.event_positions`
    return row.last
  }
  const post = await postOffice({ ...api.app, db })
  let handled = 0
  const jobs = await startJobs(api.app, [
    noShowDetection(api.app),
    bookingReminderCheck(api.app),
    subscriptionRenewalCheck(api.app),
  ])
  const [owner, staff, coach, player, friend, parent] = await Promise.all([
    api.person(),
    api.person(),
    api.person(),
    api.person(),
    api.person(),
    api.person(),
  ])
  const link = { childId: player.id, relationship: "mother", permissions: ["book", "pay", "view_feedback"] }
  const linked = await api.call("POST", `/v1/users/${parent.id}/children`, { body: link })
  if (linked.status !== 201) throw new Error(`${linked.status} ${JSON.stringify(linked.body)}`)

  return {
    api,
    db,
    owner,
    staff,
    coach,
    player,
    friend,
    /** A parent of the player, with every permission. */
    parent,
    /** Gives every recorded event a position, before any handler acts on it; returns the last position. */
    async dispatch(): Promise<number> {
      await dispatchAll(db)
      return lastPosition()
    },
    /** Dispatches and runs every handler on its events, until no event is left. */
    async react(): Promise<void> {
      await dispatchAll(db)
      for (let last = await lastPosition(); last > handled; last = await lastPosition()) {
        const types = await db<{ type: string }[]>`
          select distinct type from slotbase.event_positions where position > ${handled} and position <= ${last}`
        handled = last
        const due = actors.filter(({ events }) => types.some(({ type }) => events.includes(type)))
        await Promise.all(due.map(({ running }) => running.passNow()))
        await post.send()
        await dispatchAll(db)
      }
    },
    async stop(): Promise<void> {
      await jobs.stop()
      await api.app.mail.close()
      await mail.close()
      await api.database.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
export type World = Awaited<ReturnType<typeof makeWorld>>
