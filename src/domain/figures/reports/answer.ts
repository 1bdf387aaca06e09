/** The report of a facility's day: one form for what is stored, what the API answers, and what the mail shows. */
import * as Schema from "effect/Schema"
import { Count, Currency, Day, Id, Instant, Minutes, SignedMoney, Text } from "#base/schema/fact-fields.ts"

const Utilisation = Schema.NullOr(Schema.Finite).annotate({
  description: "bookedMinutes of openMinutes, from 0 to 1; null: nothing was open",
})
const used = { bookedMinutes: Minutes, openMinutes: Minutes, utilisation: Utilisation }

/** What became of the bookings of a day. */
const attendance = {
  bookings: Count.annotate({ description: "confirmed, with those that were cancelled later" }),
  cancelled: Count,
  attended: Count.annotate({ description: "checked in or completed" }),
  noShows: Count,
  unrecorded: Count.annotate({ description: "nobody said whether they came" }),
}

export const ReportMoney = Schema.Struct({
  currency: Currency,
  booked: SignedMoney.annotate({ description: "price of the day's bookings that were not cancelled, minor units" }),
  paid: SignedMoney.annotate({ description: "recorded as paid on this day, minor units" }),
  refunded: SignedMoney.annotate({ description: "given back on this day; negative: came back" }),
  revenue: SignedMoney.annotate({ description: "paid less refunded" }),
}).annotate({ identifier: "ReportMoney" })
export type ReportMoney = typeof ReportMoney.Type

export const ReportResource = Schema.Struct({
  resourceId: Id,
  name: Text,
  ...attendance,
  ...used,
}).annotate({ identifier: "ReportResource" })
export type ReportResource = typeof ReportResource.Type

const dayFigures = { ...attendance, ...used, money: Schema.Array(ReportMoney) }

export const ReportWeekBefore = Schema.Struct({ day: Day, ...dayFigures }).annotate({ identifier: "ReportWeekBefore" })
export type ReportWeekBefore = typeof ReportWeekBefore.Type

const Usual = Schema.Struct({
  days: Count.annotate({ description: "of those in weeksBefore" }),
  bookings: Schema.Finite,
  noShows: Schema.Finite,
  utilisation: Schema.NullOr(Schema.Finite),
  revenue: Schema.Array(Schema.Struct({ currency: Currency, amount: SignedMoney })),
}).annotate({ identifier: "ReportUsual", description: "the mean of weeksBefore; null: the facility is too young" })

const Closing = Schema.Struct({
  reason: Schema.String,
  startAt: Instant,
  endAt: Instant,
  resources: Schema.NullOr(Schema.Array(Text)).annotate({ description: "names; null: the whole facility" }),
}).annotate({ identifier: "ReportClosure" })

const Today = Schema.Struct({
  day: Day,
  bookings: Count,
  bookedMinutes: Minutes,
  firstStartAt: Schema.NullOr(Instant),
  coaches: Schema.Array(Schema.Struct({ coachId: Id, name: Text, lessons: Count, firstStartAt: Instant })),
  closures: Schema.Array(Closing),
}).annotate({ identifier: "ReportToday", description: "what the next day brings; null: it was over already" })

const Open = Schema.Struct({
  approvals: Count.annotate({ description: "requests for bookings that nobody has decided" }),
  coachBlocks: Count.annotate({ description: "requests of coaches that nobody has decided" }),
  unpaidBookings: Count.annotate({
    description: "played in the last 30 days, to be paid at the facility, and not paid",
  }),
  unpaid: Schema.Array(Schema.Struct({ currency: Currency, amount: SignedMoney })),
  failingWebhooks: Count,
  undeliverableAddresses: Count.annotate({ description: "found out by a message of this facility" }),
}).annotate({ identifier: "ReportOpen", description: "what waits for a person, when the report was made" })

export const reportFigures = {
  ...dayFigures,
  resources: Schema.Array(ReportResource),
  weeksBefore: Schema.Array(ReportWeekBefore).annotate({
    description: "the same weekday of the four weeks before, the latest first",
  }),
  usual: Schema.NullOr(Usual),
  today: Schema.NullOr(Today),
  open: Open,
}
const ReportFigures = Schema.Struct(reportFigures)
/** As they are stored. */
export type ReportFigures = typeof ReportFigures.Type
export type ReportDay = Omit<ReportWeekBefore, "day">

export const DailyReport = Schema.Struct({
  facilityId: Id,
  day: Day,
  timezone: Schema.String,
  madeAt: Instant,
  ...reportFigures,
}).annotate({ identifier: "DailyReport" })
export type DailyReport = typeof DailyReport.Type

/** A line of the list. */
export const DailyReportLine = Schema.Struct({ day: Day, madeAt: Instant, ...dayFigures }).annotate({
  identifier: "DailyReportLine",
})
export type DailyReportLine = typeof DailyReportLine.Type
