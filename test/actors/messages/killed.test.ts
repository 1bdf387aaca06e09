// Processes that are killed or stopped while they send messages, over a real SMTP server.

import { afterEach, beforeEach, expect, test } from "bun:test"
import type { HandledEvent } from "#actors/handlers/handler.ts"
import { newId } from "#base/ids.ts"
import type { Channel } from "#outbound/messages/channels/channel.ts"
import { aFacility, aPerson, type FacilityRow, type PersonRow } from "#test/harness/club/factories.ts"
import { notifiedEvent } from "#test/harness/outbound/notified-event.ts"
import { type PostOffice, postOffice } from "#test/harness/outbound/post-office.ts"
import { type SmtpReceiver, smtpReceiver } from "#test/harness/outside/smtp.ts"
import { testApp } from "#test/harness/setup/app.ts"
import { type TestDatabase, testDatabase } from "#test/harness/setup/database.ts"
import { eventually } from "#test/harness/setup/eventually.ts"

let database: TestDatabase
let receiver: SmtpReceiver
let tools: ReturnType<typeof testApp>
let office: PostOffice
let facility: FacilityRow
let mia: PersonRow
let noah: PersonRow

beforeEach(async () => {
  database = await testDatabase()
  receiver = await smtpReceiver()
  tools = testApp(database.db, { smtpUrl: receiver.url, mailFrom: "Parkside <mail@club.example>" })
  office = await postOffice(tools)
  facility = await aFacility(database.db)
  mia = await aPerson(database.db)
  noah = await aPerson(database.db, { firstName: "Noah" })
})
afterEach(async () => {
  await tools.mail.close()
  await receiver.close()
  await database.drop()
})

test("a process that is killed between the send and its record leaves it to another, under the same Message-ID", async () => {
  const event = confirmed()
  const { dying, reached } = killedIn((send) => send)
  await dying.record(event)
  void dying.send()
  await reached
  expect(await mailOf(event)).toBe("sending 1 0")
  await dying.die()

  await office.send()
  expect(await mailOf(event)).toBe("sent 2 1")
  expect(receiver.mails).toHaveLength(2)
  expect(receiver.mails[1]?.messageId).toBe(receiver.mails[0]?.messageId as string)
  expect(receiver.mails[1]?.text).toBe(receiver.mails[0]?.text as string)
  expect(receiver.mails[1]?.html).toBe(receiver.mails[0]?.html as string)
})

test("a process that is killed before the send leaves it to another, and it arrives once", async () => {
  const event = confirmed()
  const { dying, reached } = killedIn(async () => {})
  await dying.record(event)
  void dying.send()
  await reached
  expect(receiver.mails).toEqual([])
  await dying.die()
  await office.send()
  expect(await mailOf(event)).toBe("sent 2 1")
  expect(receiver.mails).toHaveLength(1)
})

test("a message that kills its process is sent by itself after the second time, and given up after the third", async () => {
  const [deadly, harmless] = [confirmed(), confirmed(noah.id)]
  await office.record(deadly, harmless)
  for (const together of [2, 2]) {
    const { dying, reached } = killedIn(async () => {}, together)
    void dying.send()
    await reached
    await dying.die()
  }
  const { dying, reached } = killedIn((send) => send, 1, mia.email)
  void dying.send()
  await reached
  await dying.die()
  await office.send()
  await office.send()
  expect(await mailOf(deadly)).toBe("failed 3 3")
  expect(await mailOf(harmless)).toBe("sent 3 2")
  const [letter] = await database.db`
    select handler, errors -> -1 -> 'error' ->> 'message' as message from slotbase.dead_letters where event_id = ${deadly.id}`
  expect(letter?.handler).toBe("NotificationHandler")
  expect(letter?.message).toContain("its process ended three times while it was being sent")
})

test("a message that was abandoned twice is never under way beside a run that may kill the process", async () => {
  const [suspect, other] = [confirmed(), confirmed(noah.id)]
  await office.record(suspect)
  for (const _ of [1, 2]) {
    const { dying, reached } = killedIn(async () => {})
    void dying.send()
    await reached
    await dying.die()
  }
  const run = Promise.withResolvers<void>()
  const handled = office.quarantine.handleRun(() => run.promise)
  await office.record(other)
  await office.send()
  expect([await mailOf(suspect), await mailOf(other)]).toEqual(["sending 2 1", "sent 1 0"])
  const [waiting] =
    await database.db`select abandoned, lease from slotbase.message_queue where event_id = ${suspect.id}`
  expect({ ...waiting }).toEqual({ abandoned: 2, lease: null })
  run.resolve()
  await handled

  const held = Promise.withResolvers<void>()
  receiver.hold = held.promise
  const sent = office.send()
  await eventually(async () => expect(await mailOf(suspect)).toBe("sending 3 2"))
  let hasRun = false
  const next = office.quarantine.handleRun(async () => {
    hasRun = true
  })
  // A run that did not wait for the message would be over before the database answers.
  await database.db`select 1`
  expect(hasRun).toBe(false)
  held.resolve()
  await Promise.all([sent, next])
  expect([await mailOf(suspect), hasRun]).toEqual(["sent 3 2", true])
})

test("a process that stops claims nothing more, and what it has begun ends", async () => {
  const held = Promise.withResolvers<void>()
  receiver.hold = held.promise
  const [begun, waiting] = [confirmed(), confirmed()]
  await office.record(begun)
  await office.actor.pass(new AbortController().signal)
  const stopped = office.actor.drain?.()
  await office.record(waiting)
  held.resolve()
  await stopped
  await office.send()
  expect(await mailOf(begun)).toBe("sent 1 0")
  expect(await mailOf(waiting)).toBe("pending 0 0")
})

/**
 * A process that hangs in its sends, until it is killed. @param together so many sends are under way then.
 * @param deadly the only address at which it hangs; left out: at all.
 */
function killedIn(then: (sending: Promise<void>) => Promise<void>, together = 1, deadly?: string) {
  const { promise: reached, resolve } = Promise.withResolvers<void>()
  let under = 0
  const channel: Channel = {
    ...tools.mail,
    async send(message, signal) {
      if (deadly !== undefined && message.to.address !== deadly) return tools.mail.send(message, signal)
      await then(then.length === 0 ? Promise.resolve() : tools.mail.send(message, signal))
      if (++under === together) resolve()
      return new Promise(() => {})
    },
  }
  const opened = postOffice({ ...tools, channels: [channel] })
  return {
    reached,
    dying: {
      record: async (event: HandledEvent) => void (await (await opened).record(event)),
      send: async () => void (await (await opened).send()),
      die: async () => void (await (await opened).die()),
    },
  }
}

/** Only the booker is told, by mail. */
const confirmed = (bookerId = mia.id) =>
  notifiedEvent(facility.id, "booking.confirmed", { bookingId: newId(), bookerId, participants: [] })

/** State, attempts and unknown outcomes of the event's mail. */
async function mailOf(event: HandledEvent): Promise<string> {
  const [row] = await database.db`
    select status || ' ' || attempts || ' ' || unknown_outcomes as state from slotbase.notifications
    where event_id = ${event.id} and channel = 'email'`
  return row?.state
}
