/**
 * facility.report.made, to the facility's administrators: their yesterday in figures, beside the same weekday of the
 * weeks before, what today brings, and what waits for them.
 */
import type { Language } from "#base/languages.ts"
import { spanOfDay } from "#base/local-days.ts"
import { localDay, money, shortTime } from "#outbound/messages/format.ts"
import { days as weekdayNames } from "#outbound/messages/language/calendar.ts"
import { durationText, numberText, shareText } from "#outbound/messages/language/numbers.ts"
import { cutRows, type MailBlock, type MailBlockView, type MailRow, mailBlock } from "./blocks.ts"
import type { Template } from "./template.ts"

/** Courts and coaches in a mail. GET …/reports/{day} has all. */
const mostRows = 12

/** Words have no loops, and most clubs have one currency. The rows below have all of them. */
const revenue = `{% if report.money.size == 1 %}, {{ report.money.first.revenue | money: report.money.first.currency }}{% endif %}`

export const dailyReport: Template = {
  en: {
    subject: `{{ facility.name }}, {{ report.day | short_day }}: {% if report.bookings == 0 %}no bookings{% else %}{{ report.bookings }} {% if report.bookings == 1 %}booking{% else %}bookings{% endif %}{% endif %}${revenue}`,
    short: `{% if report.bookings == 0 %}No bookings{% else %}{{ report.bookings }} {% if report.bookings == 1 %}booking{% else %}bookings{% endif %}, {{ report.cancelled }} cancelled, {{ report.noShows }} no-shows{% endif %} at {{ facility.name }} on {{ report.day | short_day }}.`,
    heading: `{{ report.day | day }}`,
    lead: `{% if report.bookings == 0 %}Nobody had booked at {{ facility.name }} on this day.{% else %}{{ facility.name }} had {{ report.bookings }} {% if report.bookings == 1 %}booking{% else %}bookings{% endif %} on this day.{% endif %}`,
    note: `The report stays as it was made. Everybody can switch it off in their own settings.`,
  },
  de: {
    subject: `{{ facility.name }}, {{ report.day | short_day }}: {% if report.bookings == 0 %}keine Buchungen{% else %}{{ report.bookings }} {% if report.bookings == 1 %}Buchung{% else %}Buchungen{% endif %}{% endif %}${revenue}`,
    short: `{% if report.bookings == 0 %}Keine Buchungen{% else %}{{ report.bookings }} {% if report.bookings == 1 %}Buchung{% else %}Buchungen{% endif %}, {{ report.cancelled }} abgesagt, {{ report.noShows }} nicht erschienen{% endif %} bei {{ facility.name }}, {{ report.day | short_day }}.`,
    heading: `{{ report.day | day }}`,
    lead: `{% if report.bookings == 0 %}An diesem Tag hatte niemand bei {{ facility.name }} gebucht.{% else %}{{ facility.name }} hatte an diesem Tag {{ report.bookings }} {% if report.bookings == 1 %}Buchung{% else %}Buchungen{% endif %}.{% endif %}`,
    note: `Der Bericht bleibt, wie er gemacht wurde. Jeder kann ihn in seinen Einstellungen abschalten.`,
  },
  facts: [],
  blocks: (view, language) => {
    const { report } = view
    if (report === null) return []
    const shown = { view, report, language, say: language === "de" ? german : english }
    return [openWork(shown), theDay(shown), weeks(shown), courts(shown), today(shown)].flat()
  },
}

type Report = NonNullable<MailBlockView["report"]>
interface Shown {
  readonly view: MailBlockView
  readonly report: Report
  readonly language: Language
  readonly say: Words
}

function theDay({ report, language, say }: Shown): MailBlock[] {
  const { bookings, attended, noShows, unrecorded, cancelled, utilisation, bookedMinutes, openMinutes } = report
  const amount = (value: number, currency: string) => money(language, value, currency)
  const counts: (MailRow | undefined)[] =
    bookings === 0
      ? []
      : [
          { label: say.attended, value: String(attended) },
          countRow(say.noShows, noShows),
          countRow(say.unrecorded, unrecorded),
          countRow(say.cancelled, cancelled),
        ]
  const used =
    utilisation === null
      ? undefined
      : {
          label: say.utilisation,
          value: `${shareText(utilisation)} (${durationText(bookedMinutes, language)} ${say.of} ${durationText(openMinutes, language)})`,
        }
  const amounts = report.money.flatMap(({ currency, booked, paid, refunded, revenue: left }) => [
    booked === 0 ? undefined : { label: say.booked, value: amount(booked, currency) },
    paid === 0 ? undefined : { label: say.paid, value: amount(paid, currency) },
    refunded === 0 ? undefined : { label: say.refunded, value: amount(refunded, currency) },
    refunded === 0 ? undefined : { label: say.revenue, value: amount(left, currency) },
  ])
  return mailBlock(say.theDay, [...counts, used, ...amounts])
}

/** The day beside the same weekday of the weeks before. */
function weeks({ report, language, say }: Shown): MailBlock[] {
  const { weeksBefore, usual, day } = report
  if (usual === null || (report.bookings === 0 && weeksBefore.every(({ bookings }) => bookings === 0))) return []
  const most = Math.max(report.bookings, ...weeksBefore.map(({ bookings }) => bookings))
  const bar = (of: string, bookings: number, isMain: boolean): MailRow => ({
    label: localDay(of, language, "short").replace(/^[^,]*, | \d{4}$/g, ""),
    ...{ value: String(bookings), share: bookings / most, isMain },
  })
  const name = weekdayNames[language].long[new Date(day).getUTCDay()] ?? ""
  const means = usual.revenue.map(({ currency, amount }) => money(language, amount, currency)).join(" + ")
  const mean = [
    `${numberText(usual.bookings, language)} ${say.bookings}`,
    ...(usual.utilisation === null ? [] : [`${say.utilisation} ${shareText(usual.utilisation)}`]),
    ...(means === "" ? [] : [`${say.revenue} ${means}`]),
  ].join(" · ")
  return mailBlock(say.weekday(name), [
    bar(day, report.bookings, true),
    ...weeksBefore.map((each) => bar(each.day, each.bookings, false)),
    { label: say.usual, value: mean },
  ])
}

function courts({ report, language, say }: Shown): MailBlock[] {
  const rows = cutRows(
    report.resources,
    mostRows,
    ({ name, utilisation, bookings, bookedMinutes }) => ({
      label: name,
      value: [
        ...(utilisation === null ? [] : [shareText(utilisation)]),
        `${bookings} ${bookings === 1 ? say.booking : say.bookings}`,
        ...(bookedMinutes === 0 ? [] : [durationText(bookedMinutes, language)]),
      ].join(" · "),
      share: utilisation ?? 0,
      isMain: true,
    }),
    language,
  )
  return report.bookings === 0 ? [] : mailBlock(say.courts, rows)
}

function today({ view, report, language, say }: Shown): MailBlock[] {
  const { today: next } = report
  if (next === null) return []
  const clock = { language, zone: report.timezone, reader: view.recipient.timezone }
  const at = (instant: string) => shortTime(instant, clock).replace(/^.*, /, "")
  const span = spanOfDay(report.timezone, next.day)
  /** What of the day a closure takes, and its end on a later day. */
  const during = (startAt: string, endAt: string) => {
    const [start, end] = [Date.parse(startAt) - span.start, Date.parse(endAt) - span.end]
    if (start > 0 && end < 0) return `${at(startAt)}–${at(endAt)}`
    const begins = start > 0 ? `${say.from} ${at(startAt)}` : end < 0 ? "" : say.allDay
    const ends = end === 0 ? "" : `${say.until} ${end < 0 ? at(endAt) : shortTime(endAt, clock)}`
    return [begins, ends].filter((part) => part !== "").join(", ")
  }
  const first = next.firstStartAt === null ? "" : `, ${say.from} ${at(next.firstStartAt)}`
  return mailBlock(`${say.today}: ${localDay(next.day, language)}`, [
    { label: say.bookingsLabel, value: `${next.bookings}${first}` },
    ...cutRows(
      next.coaches,
      mostRows,
      ({ name, lessons, firstStartAt }) => ({
        label: name,
        value: `${lessons} ${lessons === 1 ? say.lesson : say.lessons}, ${say.from} ${at(firstStartAt)}`,
      }),
      language,
    ),
    ...cutRows(
      next.closures,
      mostRows,
      ({ reason, startAt, endAt, resources }) => ({
        label: say.closed,
        value: `${resources?.join(", ") ?? say.everything}: ${reason} (${during(startAt, endAt)})`,
      }),
      language,
    ),
  ])
}

/** First in the mail: somebody has to do something. */
function openWork({ report, language, say }: Shown): MailBlock[] {
  const { approvals, coachBlocks, unpaidBookings, unpaid, failingWebhooks, undeliverableAddresses } = report.open
  const sums = unpaid.map(({ currency, amount }) => money(language, amount, currency)).join(" + ")
  return mailBlock(say.open, [
    countRow(say.approvals, approvals),
    countRow(say.coachBlocks, coachBlocks),
    unpaidBookings === 0 ? undefined : { label: say.unpaid, value: `${unpaidBookings} (${sums})` },
    countRow(say.webhooks, failingWebhooks),
    countRow(say.addresses, undeliverableAddresses),
  ])
}

const countRow = (label: string, count: number): MailRow | undefined =>
  count === 0 ? undefined : { label, value: String(count) }

const english = {
  theDay: "The day",
  attended: "Came",
  noShows: "No-shows",
  unrecorded: "Not checked in",
  cancelled: "Cancelled",
  utilisation: "Utilisation",
  of: "of",
  booked: "Booked",
  paid: "Paid",
  refunded: "Refunded",
  revenue: "Revenue",
  weekday: (name: string) => `Bookings on ${name}s`,
  usual: "Usual",
  courts: "Utilisation by resource",
  booking: "booking",
  bookings: "bookings",
  bookingsLabel: "Bookings",
  today: "Today",
  from: "from",
  until: "until",
  allDay: "all day",
  lesson: "lesson",
  lessons: "lessons",
  closed: "Closed",
  everything: "everything",
  open: "Waits for you",
  approvals: "Requests to decide",
  coachBlocks: "Coaching hours to decide",
  unpaid: "Not paid yet",
  webhooks: "Failing webhooks",
  addresses: "Dead mail addresses",
}
type Words = typeof english

const german: Words = {
  theDay: "Der Tag",
  attended: "Erschienen",
  noShows: "Nicht erschienen",
  unrecorded: "Nicht eingecheckt",
  cancelled: "Abgesagt",
  utilisation: "Auslastung",
  of: "von",
  booked: "Gebucht",
  paid: "Bezahlt",
  refunded: "Erstattet",
  revenue: "Einnahmen",
  weekday: (name) => `Buchungen am ${name}`,
  usual: "Üblich",
  courts: "Auslastung der Plätze",
  booking: "Buchung",
  bookings: "Buchungen",
  bookingsLabel: "Buchungen",
  today: "Heute",
  from: "ab",
  until: "bis",
  allDay: "ganztägig",
  lesson: "Stunde",
  lessons: "Stunden",
  closed: "Gesperrt",
  everything: "alles",
  open: "Wartet auf dich",
  approvals: "Anfragen zu entscheiden",
  coachBlocks: "Trainerzeiten zu entscheiden",
  unpaid: "Noch nicht bezahlt",
  webhooks: "Gestörte Webhooks",
  addresses: "Tote Mailadressen",
}
