/** The report and the summary of the samples: a Wednesday of a club with four courts, and a week of Mia's. */
import type { ProgressSummary } from "#domain/coaching/summaries/answer.ts"
import type { DailyReport, ReportResource, ReportWeekBefore } from "#domain/figures/reports/answer.ts"
import { example } from "#events/example.ts"

const court = (nth: number, name: string, bookings: number, bookedMinutes: number): ReportResource => ({
  ...{ resourceId: `${example.resourceId.slice(0, -1)}${nth}`, name, bookings, cancelled: 0, attended: bookings },
  ...{ noShows: 0, unrecorded: 0, bookedMinutes, openMinutes: 840 },
  utilisation: Math.round((10_000 * bookedMinutes) / 840) / 10_000,
})

const weekBefore = (day: string, bookings: number, revenue: number): ReportWeekBefore => ({
  ...{ day, bookings, cancelled: 1, attended: bookings - 1, noShows: 0, unrecorded: 0 },
  ...{ bookedMinutes: 60 * bookings, openMinutes: 3_360 },
  utilisation: Math.round((10_000 * 60 * bookings) / 3_360) / 10_000,
  money: [{ currency: "EUR", booked: revenue, paid: revenue, refunded: 0, revenue }],
})

export const sampleReport: DailyReport = {
  facilityId: example.facilityId,
  day: "2026-03-11",
  timezone: "Europe/Berlin",
  madeAt: "2026-03-12T05:00:02.000Z",
  ...{ bookings: 23, cancelled: 2, attended: 19, noShows: 1, unrecorded: 1 },
  ...{ bookedMinutes: 1_290, openMinutes: 3_360, utilisation: 0.3839 },
  money: [{ currency: "EUR", booked: 43_600, paid: 43_600, refunded: 2_400, revenue: 41_200 }],
  resources: [
    court(1, "Court 1", 9, 540),
    court(2, "Court 2", 8, 450),
    court(3, "Court 3", 6, 300),
    court(4, "Practice wall", 0, 0),
  ],
  weeksBefore: [
    weekBefore("2026-03-04", 18, 34_800),
    weekBefore("2026-02-25", 20, 38_400),
    weekBefore("2026-02-18", 12, 24_000),
    weekBefore("2026-02-11", 15, 30_000),
  ],
  usual: {
    ...{ days: 4, bookings: 16.3, noShows: 0, utilisation: 0.2902 },
    revenue: [{ currency: "EUR", amount: 31_800 }],
  },
  today: {
    ...{ day: "2026-03-12", bookings: 17, bookedMinutes: 1_020, firstStartAt: "2026-03-12T07:00:00.000Z" },
    coaches: [
      { coachId: example.coachId, name: "Jonas Weber", lessons: 4, firstStartAt: "2026-03-12T13:00:00.000Z" },
      { coachId: example.staffId, name: "Ana Ferreira", lessons: 1, firstStartAt: "2026-03-12T17:30:00.000Z" },
    ],
    closures: [
      {
        reason: "New surface",
        startAt: "2026-03-12T07:00:00.000Z",
        endAt: "2026-03-12T11:00:00.000Z",
        resources: ["Court 3"],
      },
    ],
  },
  open: {
    ...{ approvals: 2, coachBlocks: 1, unpaidBookings: 3, unpaid: [{ currency: "EUR", amount: 7_200 }] },
    ...{ failingWebhooks: 1, undeliverableAddresses: 2 },
  },
}

export const withoutBookings: DailyReport = {
  ...sampleReport,
  ...{ bookings: 0, cancelled: 0, attended: 0, noShows: 0, unrecorded: 0, bookedMinutes: 0, utilisation: 0 },
  money: [],
  resources: [court(1, "Court 1", 0, 0), court(2, "Court 2", 0, 0)],
  open: { approvals: 0, coachBlocks: 0, unpaidBookings: 0, unpaid: [], failingWebhooks: 0, undeliverableAddresses: 0 },
}

const assessed = (level: number, day: string) => ({ level, assessedAt: `${day}T16:10:00.000Z` })
const lesson = (startAt: string, endAt: string) => ({
  ...{ sessionId: example.sessionId, startAt, endAt, coachName: "Jonas Weber", resourceName: "Court 1" },
})

export const sampleSummary: ProgressSummary = {
  playerName: "Mia Keller",
  playerFirstName: "Mia",
  firstDay: "2026-03-09",
  lastDay: "2026-03-15",
  attended: 1,
  sessions: [
    { ...lesson("2026-03-10T16:00:00.000Z", "2026-03-10T17:00:00.000Z"), attended: true },
    { ...lesson("2026-03-12T16:00:00.000Z", "2026-03-12T17:00:00.000Z"), attended: false },
  ],
  feedback: [
    {
      feedbackId: example.feedbackId,
      coachName: "Jonas Weber",
      publishedAt: "2026-03-10T18:20:00.000Z",
      skillsWorked: ["Backhand", "Footwork"],
    },
  ],
  skills: [
    {
      ...{ skillId: "tennis.backhand", skillName: "Backhand", sport: "tennis", before: 4, level: 5 },
      improvementPercent: 25,
      history: [
        assessed(3, "2026-01-13"),
        assessed(3.5, "2026-01-27"),
        assessed(4, "2026-02-17"),
        assessed(5, "2026-03-10"),
      ],
    },
    {
      ...{ skillId: "tennis.footwork", skillName: "Footwork", sport: "tennis", before: 0, level: 4.25 },
      improvementPercent: 0,
      history: [assessed(4.25, "2026-03-10")],
    },
  ],
  upcoming: [
    lesson("2026-03-17T16:00:00.000Z", "2026-03-17T17:00:00.000Z"),
    lesson("2026-03-19T16:00:00.000Z", "2026-03-19T17:00:00.000Z"),
  ],
}
