// The rows of payments: by card, refused, refunded, and at the desk.

import { expect } from "bun:test"
import { atHour, dayOf } from "#test/harness/club/club.ts"
import { booked, price } from "./bookings.ts"
import type { Club } from "./club.ts"
import type { Row } from "./row.ts"

/** A hold by the player; returns the booking's id. */
const held = async (club: Club): Promise<string> =>
  (await club.call(club.player, "POST", "/holds", { resourceId: club.court, ...atHour(18) })).id

const byCard = (referenceId: string) => ({ referenceType: "booking", referenceId, cardToken: "tok_visa" })

export const paymentRows: readonly Row[] = [
  {
    type: "payment.succeeded",
    operation: "a player pays for a hold by card, which becomes a booking",
    records: ["payment.succeeded", "payment.succeeded > booking.confirmed"],
    without: ["stripePaymentIntentId"],
    async perform(club) {
      const bookingId = await held(club)
      const payment = await club.act(club.player, "POST", "/payments", byCard(bookingId))
      return {
        transactionId: payment.id,
        facilityId: club.id,
        billingAccountId: payment.billingAccountId,
        payerId: club.player.id,
        amount: price,
        currency: "EUR",
        paymentMethod: "card",
        referenceType: "booking",
        referenceId: bookingId,
      }
    },
  },
  {
    type: "payment.failed",
    operation: "subscription-renewal-check asks for a first period, and no card is saved",
    records: ["payment.failed"],
    async perform(club) {
      const wish = { planId: "starter", billingCycle: "monthly" }
      const subscription = await club.call(club.owner, "POST", "/subscription", wish)
      await club.run("subscription-renewal-check", "everywhere")
      const [payment] = (await club.call(club.owner, "GET", "/payments")).data
      return {
        transactionId: payment.id,
        facilityId: club.id,
        billingAccountId: payment.billingAccountId,
        payerId: club.owner.id,
        amount: 2900,
        currency: "EUR",
        failureReason: "There is no saved card to pay with.",
        failureCode: "no_saved_card",
        referenceType: "subscription",
        referenceId: subscription.id,
        retryCount: 0,
        nextRetryAt: payment.nextRetryAt,
      }
    },
  },
  {
    type: "payment.refunded",
    operation: "a player cancels what was paid by card",
    records: ["booking.cancelled", "booking.cancelled > payment.refunded"],
    async perform(club) {
      const bookingId = await held(club)
      const payment = await club.call(club.player, "POST", "/payments", byCard(bookingId))
      await club.react()
      await club.act(club.player, "POST", `/bookings/${bookingId}/cancel`, { cancellationReason: "Injured" })
      return {
        refundId: expect.any(String),
        transactionId: payment.id,
        facilityId: club.id,
        amount: price,
        currency: "EUR",
        reason: "Injured",
        refundedBy: club.player.id,
        referenceType: "booking",
        referenceId: bookingId,
      }
    },
  },
  {
    type: "offline_payment.recorded",
    operation: "staff take a bank transfer for a booking",
    records: ["offline_payment.recorded"],
    async perform(club) {
      const bookingId = await booked(club)
      const payment = await club.act(club.staff, "POST", "/offline-payments", {
        bookingId,
        amount: price,
        paymentMethod: "bank_transfer",
        referenceNumber: "RF18 5390 0754 7034",
        payerName: "Clara Keller",
      })
      return {
        offlinePaymentId: payment.id,
        facilityId: club.id,
        billingAccountId: payment.billingAccountId,
        amount: price,
        currency: "EUR",
        paymentMethod: "bank_transfer",
        referenceNumber: "RF18 5390 0754 7034",
        payerName: "Clara Keller",
        recordedBy: club.staff.id,
        paymentDate: dayOf(-24),
        bookingId,
      }
    },
  },
]
