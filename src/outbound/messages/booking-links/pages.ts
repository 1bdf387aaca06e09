/** The pages of a link: the bookings of a series, one booking, an offer, and the question before a cancellation. */
import { mayActFor } from "#access/caller.ts"
import type { Language } from "#base/languages.ts"
import type { BookingRow } from "#domain/booking/booking-row.ts"
import type { CancellationQuote } from "#domain/booking/cancel.ts"
import { familyOf } from "#domain/booking/lock-own.ts"
import type { WaitlistEntry } from "#domain/booking/waitlist/answer.ts"
import type { IssuedInvoice } from "#domain/invoices/answer.ts"
import { localDate, localTime, money, period, shortTime } from "#outbound/messages/format.ts"
import { shortId } from "#outbound/messages/language/engine.ts"
import { labels } from "#outbound/messages/language/labels.ts"
import type { OpenedLink } from "./find.ts"
import { type HtmlPage, htmlPage, type PageParts } from "./layout.ts"
import { pageWords, statusWords } from "./words.ts"

export type Said = NonNullable<PageParts["said"]>

/** Without a link nobody is known, so the page speaks both languages. */
export const endedPage = (signInUrl: string | undefined): HtmlPage =>
  htmlPage(410, {
    language: "en",
    facility: "SlotBase",
    title: pageWords.ended.en,
    notes: [pageWords.endedWhy.en, `${pageWords.ended.de}. ${pageWords.endedWhy.de}`],
    ...(signInUrl !== undefined && {
      links: [{ to: signInUrl, words: `${pageWords.signIn.en} · ${pageWords.signIn.de}` }],
    }),
  })

/** The list of a series; each booking has a page of its own. */
export function seriesPage(link: OpenedLink, bookings: readonly BookingRow[]): HtmlPage {
  const { language, facility } = link
  return htmlPage(200, {
    language,
    facility: facility.name,
    title: pageWords.bookings[language],
    links: bookings.map((booking) => ({
      to: `?booking=${link.bookingIds.indexOf(booking.id) + 1}`,
      words: `${shortTime(booking.start_at.toISOString(), clockOf(link))} · ${statusWords[booking.status]?.[language]}`,
    })),
  })
}

/** Whether the reader was told of the booking: as its booker, one who plays, a parent, its coach, or who paid. */
export function mayOpen({ member, isPayer, isCoach }: OpenedLink, booking: BookingRow): boolean {
  const family = familyOf(member)
  return (
    isPayer ||
    isCoach ||
    family.includes(booking.booker_id) ||
    booking.participants.some(({ userId }) => family.includes(userId))
  )
}

/** How a page answers, and the papers of the booking that its reader may see, the oldest first. */
export interface Shown {
  readonly status?: number
  readonly said?: Said
  readonly papers?: readonly IssuedInvoice[]
  /** Where a booking that is held can be paid. */
  readonly signInUrl?: string | undefined
}

export function bookingPage(
  link: OpenedLink,
  booking: BookingRow,
  { status = 200, said, papers = [], signInUrl }: Shown = {},
): HtmlPage {
  const { language, member } = link
  const isTheirs = familyOf(member).includes(booking.booker_id)
  const canCancel = isTheirs && mayActFor(member, booking.booker_id, "book")
  const isHeld = booking.status === "held"
  const isOpen = booking.status === "confirmed" || booking.status === "pending"
  const isUnpaid = isTheirs && isHeld && booking.price_amount > 0
  const price = booking.price_amount > 0 ? money(language, booking.price_amount, booking.price_currency) : undefined
  return htmlPage(status, {
    ...headOf(link, booking.resource_name),
    ...(said && { said }),
    rows: [
      ...rowsOf(link, booking.resource_name, booking.start_at.toISOString(), booking.end_at.toISOString()),
      [pageWords.status[language], statusWords[booking.status]?.[language] ?? booking.status],
      ...(isTheirs && price !== undefined ? [[labels.price[language], price] as const] : []),
      [labels.reference[language], shortId(booking.id)],
    ],
    notes: [
      ...(isUnpaid ? payNotes(link, booking, signInUrl !== undefined) : []),
      ...(isTheirs && isOpen && booking.payment_method === "offline" && price !== undefined
        ? [`${pageWords.payThere[language]} ${price}`]
        : []),
    ],
    buttons:
      canCancel && isOpen
        ? [{ act: "ask", words: pageWords.cancel[language], isQuiet: true }]
        : canCancel && isHeld
          ? [{ act: "release", words: pageWords.release[language], isQuiet: true }]
          : [],
    links: [
      ...(isUnpaid && signInUrl !== undefined ? [{ to: signInUrl, words: pageWords.signInToPay[language] }] : []),
      ...papers.map((paper) => ({ to: `?paper=${paper.id}`, words: paperWords(language, paper) })),
      ...(link.bookingIds.length > 1 ? [{ to: "?", words: pageWords.back[language] }] : []),
    ],
  })
}

export function offerPage(link: OpenedLink, entry: WaitlistEntry, booking: BookingRow, shown: Shown = {}): HtmlPage {
  const { status = 200, said } = shown
  if (entry.status !== "offered") {
    const over = { text: pageWords.offerOver[link.language], isFault: true }
    return bookingPage(link, booking, entry.status === "expired" ? { said: over, ...shown } : shown)
  }
  const { language, member } = link
  const until = entry.offer?.expiresAt
  return htmlPage(status, {
    ...headOf(link, booking.resource_name),
    ...(said && { said }),
    rows: [
      ...rowsOf(link, booking.resource_name, entry.startAt, entry.endAt),
      ...(booking.price_amount > 0
        ? [[labels.price[language], money(language, booking.price_amount, booking.price_currency)] as const]
        : []),
      ...(until ? [[labels.heldUntil[language], localTime(until, clockOf(link))] as const] : []),
    ],
    buttons: mayActFor(member, entry.bookerId, "book")
      ? [
          { act: "accept", words: pageWords.accept[language] },
          { act: "decline", words: pageWords.decline[language], isQuiet: true },
        ]
      : [],
  })
}

/** The invoice over a month, with its file. */
export function invoicePage(link: OpenedLink, paper: IssuedInvoice): HtmlPage {
  const { language } = link
  return htmlPage(200, {
    ...headOf(link, `${pageWords.invoice[language]} ${paper.number}`),
    rows: [
      [labels.amount[language], money(language, paper.gross, paper.currency)],
      ...(paper.dueOn === null ? [] : [[labels.dueOn[language], localDate(paper.dueOn, language)] as const]),
      [labels.reference[language], paper.number],
    ],
    links: [{ to: `?paper=${paper.id}`, words: paperWords(language, paper) }],
  })
}

/** What a cancellation would give back, before it is done. */
export function askPage(link: OpenedLink, booking: BookingRow, quote: CancellationQuote): HtmlPage {
  const { language } = link
  const back = money(language, quote.refundAmount, quote.currency)
  const refund =
    quote.paidAmount === 0
      ? pageWords.nothingPaid[language]
      : quote.refundAmount === 0
        ? pageWords.refundNone[language]
        : `${pageWords[quote.refundAmount === quote.paidAmount ? "refundAll" : "refundPart"][language]} ${back}`
  return htmlPage(200, {
    ...headOf(link, pageWords.sure[language]),
    rows: rowsOf(link, booking.resource_name, booking.start_at.toISOString(), booking.end_at.toISOString()),
    notes: [refund],
    buttons: [
      { act: "cancel", words: pageWords.confirmCancel[language] },
      { act: "see", words: pageWords.keep[language], isQuiet: true },
    ],
  })
}

function paperWords(language: Language, { kind, isReceipt, number, gross, currency }: IssuedInvoice): string {
  const name = kind === "credit_note" ? "creditNote" : isReceipt ? "receipt" : "invoice"
  return `${pageWords[name][language]} ${number} · ${money(language, gross, currency)} (PDF)`
}

const headOf = ({ language, facility }: OpenedLink, title: string) => ({ language, facility: facility.name, title })

const clockOf = ({ language, facility, timezone }: OpenedLink) => ({
  language,
  zone: facility.timezone,
  reader: timezone,
})

function rowsOf(link: OpenedLink, resource: string, startAt: string, endAt: string) {
  const { language, facility } = link
  return [
    [labels.when[language], period(startAt, endAt, clockOf(link))],
    [labels.where[language], `${resource}, ${facility.name}`],
  ] as const
}

function payNotes(link: OpenedLink, { hold_expires_at: until }: BookingRow, hasPage: boolean): string[] {
  const { language } = link
  const ends = until === null ? "" : ` ${localTime(until.toISOString(), clockOf(link))}`
  return [`${pageWords.payUntil[language]}${ends}`, pageWords[hasPage ? "orThere" : "howToPay"][language]]
}
