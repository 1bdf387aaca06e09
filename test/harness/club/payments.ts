// Payments over HTTP: a hold to pay for, a card, the recorded events, and the handlers of payments.

import { expect } from "bun:test"
import { bookingConfirmationHandler } from "#actors/handlers/booking-confirmation.ts"
import type { Handler } from "#actors/handlers/handler.ts"
import { mirrorHandlers } from "#actors/handlers/index.ts"
import { refundHandler } from "#actors/handlers/refund.ts"
import { runHandler } from "#actors/runs/run-handler.ts"
import { prepareActor } from "#actors/runtime/actor.ts"
import type { Db } from "#base/database/db.ts"
import type { CallOptions, TestApi } from "#test/harness/api/api.ts"
import type { Courts } from "#test/harness/api/booking-api.ts"
import { atHour } from "#test/harness/club/hours.ts"
import { actorProcess, dispatchAll, processRow } from "#test/harness/pipeline/pipeline.ts"

/** The price of each hour of these courts. */
export const price = 2400

export interface RecordedEvent {
  readonly id: string
  readonly type: string
  readonly facility_id: string
  readonly user_id: string | null
  readonly correlation_id: string
  readonly causation_id: string | null
  readonly data: Readonly<Record<string, unknown>>
}

/** @param more handlers that run beside those of payments */
export async function makeTill(api: TestApi, its: Courts, more: readonly Handler[] = []) {
  const db = api.database.db
  const process = actorProcess(await processRow(db, true))
  const handlers = [bookingConfirmationHandler(), refundHandler(api.app), ...more]
  await mirrorHandlers(db, handlers)
  const running = handlers.map((handler) =>
    prepareActor(runHandler(api.app, handler, process), new AbortController().signal),
  )
  const at = `/v1/facilities/${its.facilityId}`
  let hour = 0
  const token = its.player.token

  return {
    at,
    /** Holds the next hour for the player; returns the booking's id. */
    hold: async (): Promise<string> => {
      // Made by staff: staff may hold any number of slots.
      const body = { resourceId: its.court, ...atHour(++hour), bookerId: its.player.id }
      const answer = await api.call("POST", `${at}/holds`, { body })
      expect(answer.status).toBe(201)
      return answer.body.id
    },
    /** Staff book the next hour for the player, to be paid later. */
    book: async (): Promise<string> => {
      const body = { resourceId: its.court, ...atHour(++hour), bookerId: its.player.id, paymentMethod: "offline" }
      return (await api.call("POST", `${at}/bookings`, { body })).body.id
    },
    pay: (bookingId: string, cardToken = "tok_visa", more: object = {}, options: CallOptions = {}) =>
      api.call("POST", `${at}/payments`, {
        body: { referenceType: "booking", referenceId: bookingId, cardToken, ...more },
        token,
        ...options,
      }),
    refund: (paymentId: string, body: object = {}, options: CallOptions = {}) =>
      api.call("POST", `${at}/payments/${paymentId}/refunds`, { body: { reason: "Rain", ...body }, ...options }),
    cancel: (bookingId: string, more: object = {}) =>
      api.call("POST", `${at}/bookings/${bookingId}/cancel`, { body: { cancellationReason: "Rain", ...more } }),
    statusOf: async (bookingId: string): Promise<string> =>
      (await api.call("GET", `${at}/bookings/${bookingId}`)).body.status,
    /** Dispatches and runs the payment handlers until no work is left. */
    react: async () => {
      while ((await dispatchAll(db)) > 0) for (const each of running) await each.passNow()
    },
    /** The finished runs of one of the two handlers. */
    runs: (handler: string) => db<{ status: string; reason: string | null; error: string | null }[]>`
      select status, reason, error from slotbase.handler_runs where handler = ${handler} order by position`,
  }
}
export type Till = Awaited<ReturnType<typeof makeTill>>

/** The events of a type about a payment or a booking, in order. */
export async function eventsAbout(db: Db, id: string, type?: string): Promise<RecordedEvent[]> {
  const rows = await db<RecordedEvent[]>`
    select id, type, facility_id, user_id, correlation_id, causation_id, data from slotbase.events
    where (aggregate_id = ${id} or data ->> 'referenceId' = ${id}) ${type === undefined ? db`` : db`and type = ${type}`}
    order by id`
  return rows.map((row) => ({ ...row }))
}

/** All balances, and the accounts of the ledger that disagree with the payments, refunds and charges. */
export async function moneyOf(db: Db, facilityId: string) {
  const rows = await db<{ account: string; balance: number; conserved: boolean }[]>`
    select account, balance, conserved from slotbase.money_balances where facility_id = ${facilityId} order by account`
  return {
    lost: rows.filter(({ conserved }) => !conserved).map((row) => ({ ...row })),
    balances: Object.fromEntries(rows.map(({ account, balance }) => [account, balance])) as Record<string, number>,
  }
}

/** Makes payments and refunds with an unknown outcome due for a look-up now. */
export async function lookUpNow(db: Db): Promise<void> {
  await db`update slotbase.payments set next_check_at = slotbase.now() where status = 'processing'`
  await db`update slotbase.refunds set next_check_at = slotbase.now() where status = 'processing'`
}
