// One visit of a customer: book, cancel, hold and confirm, pay, or compete for a slot. The status of each booking
// is kept as the answers told it, so that the check can compare it with the tables.

import type { Answer } from "#test/harness/api/client.ts"
import { atHour } from "#test/harness/club/hours.ts"
import type { RepeatingClient } from "./repeating-client.ts"

export type Status = "confirmed" | "cancelled" | "held"

/** Of the visits. Papers of one seller are issued one after the other, so more of them would measure that alone. */
const payingShare = 0.02

export interface VisitedClub {
  /** Path of the club. */
  readonly at: string
  readonly resourceIds: readonly string[]
  readonly bookerId: string
}

export interface Visits {
  /** Makes one visit of a random kind. */
  readonly visit: () => Promise<void>
  /** Books the next free slot. */
  readonly book: () => Promise<Answer<{ id: string }>>
  /** Cancels a booking. */
  readonly cancel: (id: string) => Promise<Answer<object>>
  /** Each booking that was answered since the last call, with its last status. */
  readonly take: () => Map<string, Status>
  /** Bookings answered so far. */
  readonly booked: () => number
}

/** @param troubles gets a sentence for each answer that must not come. */
export function makeVisits(
  club: VisitedClub,
  ask: RepeatingClient["ask"],
  random: () => number,
  troubles: string[],
): Visits {
  const known = new Set<string>()
  let told = new Map<string, Status>()
  let nextSlot = 0

  const slotOf = (nth: number) => ({
    resourceId: club.resourceIds[nth % club.resourceIds.length],
    bookerId: club.bookerId,
    ...atHour(Math.floor(nth / club.resourceIds.length)),
  })
  const freshSlot = () => slotOf(nextSlot++)

  function tell(id: string, status: Status): void {
    known.add(id)
    told.set(id, status)
  }

  async function book(slot = freshSlot()): Promise<Answer<{ id: string }>> {
    const answer = await ask(`${club.at}/bookings`, { ...slot, paymentMethod: "waived" })
    if (answer.status === 201) tell(answer.body.id, "confirmed")
    else if (answer.body.code !== "slot_taken")
      troubles.push(`booking: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }

  async function cancel(id: string): Promise<Answer<object>> {
    const answer = await ask(`${club.at}/bookings/${id}/cancel`, { cancellationReason: "rain" })
    if (answer.status === 200) tell(id, "cancelled")
    else troubles.push(`cancelling: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }

  /** Of the holds, 30 % are left to expire, 35 % are confirmed and cancelled in the same moment, 35 % are confirmed. */
  async function holdAndConfirm(): Promise<void> {
    const held = await ask(`${club.at}/holds`, freshSlot())
    if (held.status !== 201) return void troubles.push(`hold: ${held.status} ${JSON.stringify(held.body)}`)
    tell(held.body.id, "held")
    const chance = random()
    if (chance < 0.3) return
    const at = `${club.at}/bookings/${held.body.id}`
    // Either of the two requests may be executed first; the log must have the same order.
    const [confirmed, cancelled] = await Promise.all([
      ask(`${at}/confirm`, { paymentMethod: "waived" }),
      chance < 0.65 ? ask(`${at}/cancel`, { cancellationReason: "rain" }) : undefined,
    ])
    if (confirmed.status === 200) tell(held.body.id, "confirmed")
    else if (confirmed.body.code !== "hold_expired") troubles.push(`confirming: ${JSON.stringify(confirmed.body)}`)
    if (cancelled?.status === 200) tell(held.body.id, "cancelled")
    else if (cancelled && cancelled.body.code !== "booking_not_confirmed")
      troubles.push(`cancelling at once: ${JSON.stringify(cancelled.body)}`)
  }

  /** Two requests ask for the same slot at the same moment; exactly one must get it. */
  async function compete(): Promise<void> {
    const slot = freshSlot()
    const answers = await Promise.all([book(slot), book(slot)])
    const won = answers.filter(({ status }) => status === 201).length
    if (won !== 1) troubles.push(`two wanted one slot, and ${won} got it`)
  }

  /**
   * Money moves, and papers follow. A walk-in pays at the desk. Or a booking is paid by card, and a part is given back.
   * A payment whose process was killed may stay without an answer, so its end is not compared with what was told.
   */
  async function pay(): Promise<void> {
    const amount = 500 + Math.floor(random() * 1_500)
    const paid = await ask(`${club.at}/offline-payments`, { payerName: "Walk-in", amount, paymentMethod: "cash" })
    if (paid.status !== 201) troubles.push(`paying at the desk: ${paid.status} ${JSON.stringify(paid.body)}`)
    const booked = await ask(`${club.at}/bookings`, { ...freshSlot(), paymentMethod: "offline" })
    if (booked.status !== 201) return void troubles.push(`booking: ${booked.status} ${JSON.stringify(booked.body)}`)
    tell(booked.body.id, "confirmed")
    const card = { referenceType: "booking", referenceId: booked.body.id, cardToken: "tok_visa" }
    const { status, body } = await ask(`${club.at}/payments`, card)
    if (status >= 400) troubles.push(`paying: ${status} ${JSON.stringify(body)}`)
    else if (status === 201 && random() < 0.5)
      await ask(`${club.at}/payments/${body.id}/refunds`, { reason: "Rain", amount })
  }

  async function visit(): Promise<void> {
    const kind = random()
    if (kind < 0.2) return holdAndConfirm()
    if (kind < 0.3) return compete()
    if (kind > 1 - payingShare) return pay()
    const { status, body } = await book()
    if (status === 201 && kind < 0.6) await cancel(body.id)
  }

  return {
    visit,
    book: () => book(),
    cancel,
    take() {
      const taken = told
      told = new Map()
      return taken
    },
    booked: () => known.size,
  }
}
