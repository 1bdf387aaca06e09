// Whom the messages of an event reach.

import { expect, test } from "bun:test"
import { NOTIFICATION_CONFIGS } from "#outbound/messages/configs.ts"
import type { NotificationConfig } from "#outbound/messages/notification-config.ts"
import { resolveRecipients } from "#outbound/messages/recipients.ts"
import { aLesson, makeCoachClub } from "#test/harness/api/coach-api.ts"
import { atHour } from "#test/harness/club/hours.ts"

test("a lesson whose time closes is told to its student and to its coach, a booking without a coach to its booker", async () => {
  const club = await makeCoachClub()
  const lesson = await club.post(
    club.staff,
    "/coach-sessions",
    aLesson(club, 2, { coachId: club.coach.id, bookerId: club.student.id }),
  )
  const booking = await club.post(club.staff, "/bookings", {
    resourceId: club.court,
    bookerId: club.friend.id,
    paymentMethod: "offline",
    ...atHour(3),
  })
  expect([lesson.status, booking.status]).toEqual([201, 201])
  const { startAt } = atHour(2)
  const { endAt } = atHour(3)
  expect((await club.post(undefined, "/closures", { startAt, endAt, reason: "Frost" })).body.bookingCount).toBe(2)
  const struck = await club.db<{ facility_id: string; data: object }[]>`
    select facility_id, data from slotbase.events where type = 'booking.struck' order by data ->> 'startAt'`
  const config = NOTIFICATION_CONFIGS["booking.struck"] as NotificationConfig
  const told = await resolveRecipients(
    club.db,
    struck.map((event) => ({ event, config })),
  )
  expect(told.map((each) => each.map(({ userId, channel, as }) => [userId, channel, as]))).toEqual([
    [
      [club.student.id, "email", "booker"],
      [club.student.id, "push", "booker"],
      [club.coach.id, "email", "coach"],
    ],
    [
      [club.friend.id, "email", "booker"],
      [club.friend.id, "push", "booker"],
    ],
  ])
  await club.api.database.drop()
})
