// The rows of bookings: from the hold to the day of play.

import { expect } from "bun:test"
import { atHour, dayOf } from "#test/harness/club/club.ts"
import type { Club } from "./club.ts"
import type { Row } from "./row.ts"

const hour = 18
export const price = 2400

/** A booking by staff for the player, to be paid at the desk; returns the booking's id. */
export const booked = async (club: Club): Promise<string> => {
  const wish = { resourceId: club.court, ...atHour(hour), bookerId: club.player.id, paymentMethod: "offline" }
  return (await club.call(club.staff, "POST", "/bookings", wish)).id
}

/** A lesson of the coach with the player; returns the session. */
export const lesson = (club: Club): Promise<{ id: string; bookingId: string }> =>
  club.call(club.coach, "POST", "/coach-sessions", {
    resourceId: club.court,
    ...atHour(hour),
    sessionType: "private",
    students: [club.player.id],
    paymentMethod: "offline",
  })

export const bookingRows: readonly Row[] = [
  {
    type: "booking.hold.created",
    operation: "a player holds a court",
    records: ["booking.hold.created"],
    async perform(club) {
      const held = await club.act(club.player, "POST", "/holds", { resourceId: club.court, ...atHour(hour) })
      return {
        holdId: held.holdId,
        bookingId: held.id,
        facilityId: club.id,
        resourceId: club.court,
        userId: club.player.id,
        ...atHour(hour),
        expiresAt: held.expiresAt,
        priceAmount: price,
        priceCurrency: "EUR",
      }
    },
  },
  {
    type: "booking.confirmed",
    operation: "staff book a series, whose one booking is certain at once",
    records: ["booking.confirmed", "recurring_booking.created"],
    async perform(club) {
      const series = await club.act(club.staff, "POST", "/recurring-bookings", {
        resourceId: club.court,
        bookerId: club.player.id,
        participants: [{ userId: club.friend.id, role: "guest" }],
        paymentMethod: "offline",
        startDate: dayOf(hour),
        startTime: `${hour}:00`,
        durationMinutes: 60,
        rule: "FREQ=DAILY;COUNT=1",
      })
      return {
        bookingId: series.occurrences[0].bookingId,
        facilityId: club.id,
        resourceId: club.court,
        resourceName: "Court 1",
        bookerId: club.player.id,
        bookerName: "Mia Keller",
        bookerEmail: club.player.email,
        participants: [{ userId: club.friend.id, name: "Mia Keller", role: "guest" }],
        ...atHour(hour),
        timezone: "UTC",
        bookingType: "open_play",
        priceAmount: price,
        priceCurrency: "EUR",
        paymentMethod: "offline",
        isRecurring: true,
        recurringBookingId: series.id,
      }
    },
  },
  {
    type: "booking.cancelled",
    operation: "a player cancels what was paid at the desk",
    records: ["booking.cancelled"],
    async perform(club) {
      const bookingId = await booked(club)
      const paid = { bookingId, amount: price, paymentMethod: "cash" }
      await club.call(club.staff, "POST", "/offline-payments", paid)
      await club.act(club.player, "POST", `/bookings/${bookingId}/cancel`, { cancellationReason: "Injured" })
      return {
        bookingId,
        facilityId: club.id,
        resourceId: club.court,
        bookerId: club.player.id,
        ...atHour(hour),
        cancelledBy: club.player.id,
        cancellationReason: "Injured",
        refundAmount: price,
        refundStatus: "pending",
        wasNoShow: false,
      }
    },
  },
  {
    type: "booking.checked_in",
    operation: "a player shows the code of a booking",
    records: ["booking.checked_in"],
    async perform(club) {
      const bookingId = await booked(club)
      const { qrPayload } = await club.call(club.player, "GET", `/bookings/${bookingId}/check-in-code`)
      const how = { method: "qr_code", code: qrPayload }
      const { checkedInAt } = await club.at(hour, -10, () =>
        club.act(club.player, "POST", `/bookings/${bookingId}/check-in`, how),
      )
      return {
        bookingId,
        facilityId: club.id,
        userId: club.player.id,
        checkedInAt,
        checkedInBy: "self",
        method: "qr_code",
      }
    },
  },
  {
    type: "booking.no_show",
    operation: "no-show-detection runs after the grace period",
    records: ["booking.no_show"],
    async perform(club) {
      const rules = { checkInGraceMinutes: 15, noShowFee: 1000, strikeThreshold: 1, restrictionDays: 7 }
      await club.call(club.owner, "PUT", "/booking-policy", rules)
      const bookingId = await booked(club)
      await club.at(hour, 16, () => club.run("no-show-detection"))
      return {
        bookingId,
        facilityId: club.id,
        userId: club.player.id,
        scheduledAt: atHour(hour).startAt,
        markedAt: (await club.call(club.staff, "GET", `/bookings/${bookingId}`)).noShowAt,
        feeCharged: 1000,
        strikeCount: 1,
        restrictionApplied: true,
      }
    },
  },
  {
    type: "booking.completed",
    operation: "staff complete the booking of a coach's lesson",
    records: ["booking.completed"],
    async perform(club) {
      const { id, bookingId } = await lesson(club)
      await club.at(hour, 50, () => club.act(club.staff, "POST", `/bookings/${bookingId}/complete`, {}))
      return {
        bookingId,
        facilityId: club.id,
        resourceId: club.court,
        bookerId: club.coach.id,
        participants: [club.player.id],
        ...atHour(hour),
        actualDuration: 50,
        wasCoachingSession: true,
        coachingSessionId: id,
      }
    },
  },
  {
    type: "booking.reminder.sent",
    operation: "booking-reminder-check runs an hour before, and the mail leaves",
    records: ["booking.reminder.due", "booking.reminder.due > booking.reminder.sent"],
    async perform(club) {
      const bookingId = await booked(club)
      await club.at(hour, -60, async () => {
        await club.run("booking-reminder-check")
        await club.react()
      })
      return {
        bookingId,
        userId: club.player.id,
        reminderType: "1h",
        channel: "email",
        sentAt: expect.any(String),
      }
    },
  },
]
