/**
 * Scene three: Saturday itself. Reminders, a check-in by QR code, a no-show with its fee, and a lesson with feedback.
 */
import type { Booked, Saturday } from "./bookings.ts"
import type { Club } from "./club.ts"
import { giveFeedback } from "./lesson.ts"
import type { Recordings } from "./recordings.ts"
import { type ArrangedBookings, holdAgain, judgeClosed, playMorning, putRight } from "./rules/of-the-day.ts"
import type { Stage } from "./stage.ts"

const beforeMinutes = 30
const minuteMs = 60_000
export async function playSaturday(
  stage: Stage,
  club: Club,
  saturday: Saturday,
  booked: Booked,
  prepared: ArrangedBookings,
  recordings: Promise<Recordings | undefined>,
): Promise<void> {
  const { call, until, say, job, moveTo } = stage
  const { at, desk, coach, anna, ben, child } = club

  say("\nHalf a day before: reminders go out")
  await moveTo(new Date(saturday.at("10:00").getTime() - 12 * 60 * minuteMs))
  await job("booking-reminder-check")

  say("\nSaturday morning: Anna shows the code on her phone, Ben stays in bed")
  await moveTo(new Date(saturday.at("10:00").getTime() - (beforeMinutes - 10) * minuteMs))
  const { qrPayload } = await call(anna, "GET", `${at}/bookings/${booked.played}/check-in-code`)
  await call(anna, "POST", `${at}/bookings/${booked.played}/check-in`, { method: "qr_code", code: qrPayload })
  await playMorning(stage, club, saturday, prepared)
  await moveTo(saturday.at("10:20"))
  await holdAgain(stage, club, saturday)
  await job("no-show-detection")
  await until(
    "the no-show",
    () => call(ben, "GET", `${at}/bookings/${booked.missed}`),
    ({ status }) => status === "no_show",
  )
  await moveTo(saturday.at("11:05"))
  await call(desk, "POST", `${at}/bookings/${booked.played}/complete`, {})
  await putRight(stage, club, saturday, booked)
  await moveTo(saturday.at("13:20"))
  await judgeClosed(stage, club, prepared)

  say("\nThe lesson, and what the coach says of it")
  await moveTo(saturday.at("15:05"))
  await call(coach, "POST", `${at}/coach-sessions/${booked.sessionId}/complete`, { attendedStudents: [child.id] })
  const lookAtVideo = await giveFeedback(stage, club, booked.sessionId, await recordings)
  await call(coach, "POST", `${at}/players/${child.id}/progress`, { skillId: "tennis.backhand", newLevel: 4 })

  say("\nSomebody left a racket")
  const item = await call(desk, "POST", `${at}/lost-items`, {
    description: "A red racket",
    category: "equipment",
    foundLocation: "Court 2",
  })
  await call(desk, "POST", `${at}/lost-items/${item.id}/claim`, { claimedBy: anna.id })
  await lookAtVideo()
}
