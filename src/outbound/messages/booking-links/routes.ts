/**
 * The pages of a link to a booking or an offer, for browsers. `GET` only shows: mail programs and scanners open links
 * by themselves. A `POST` of the page's form accepts, declines, gives back or cancels. It acts in the name of the
 * person that the mail went to, with the rights of a member.
 */
import { Elysia } from "elysia"
import { NotFound } from "#base/errors.ts"
import type { Hooked } from "#base/hooks.ts"
import type { BookingRow } from "#domain/booking/booking-row.ts"
import { type CancellationQuote, cancelBooking, quoteCancellation } from "#domain/booking/cancel.ts"
import { findBooking } from "#domain/booking/find.ts"
import { releaseHold } from "#domain/booking/holds.ts"
import { runAcceptHooks } from "#domain/booking/hooks.ts"
import { offeredBooking } from "#domain/booking/waitlist/offered-booking.ts"
import { acceptOffer, declineOffer, getEntry } from "#domain/booking/waitlist/waitlist.ts"
import { toIssuedInvoice } from "#domain/invoices/answer.ts"
import { getPaper, listPapers } from "#domain/invoices/list.ts"
import { pdfFile } from "#domain/invoices/papers/files.ts"
import { pageHeaders } from "#domain/people/accounts/pages.ts"
import type { App } from "#http/app.ts"
import { readFormFields } from "#http/body.ts"
import { bodyLimits } from "#http/body-limits.ts"
import { idOf } from "#http/path.ts"
import { errorAnswerOf } from "#http/problems.ts"
import { type RequestTools, streamingApi } from "#http/route.ts"
import { type OpenedLink, openLink } from "./find.ts"
import type { HtmlPage } from "./layout.ts"
import { askPage, bookingPage, endedPage, invoicePage, mayOpen, offerPage, type Shown, seriesPage } from "./pages.ts"
import { pageWords, refusalWords } from "./words.ts"

const path = "/booking-links/:token"

export const bookingLinkRoutes = (app: App) =>
  new Elysia({ name: "booking-links", detail: { hide: true } })
    .use(streamingApi(app))
    .get(path, async ({ params, request }) => {
      const link = await openLink(app.db, app.secrets, params.token ?? "")
      const paperId = new URL(request.url).searchParams.get("paper")
      if (link && paperId !== null) return paperOf(app, link, paperId)
      return respond(link ? await shown(app, link, nthOf(request)) : endedPage(app.config.signInUrl))
    })
    .post(path, async ({ params, request, command }) => {
      const link = await openLink(app.db, app.secrets, params.token ?? "")
      if (!link) return respond(endedPage(app.config.signInUrl))
      const nth = nthOf(request)
      const booking = await bookingOf(app, link, nth)
      if (!booking) return respond(await shown(app, link, nth))
      try {
        const act = (await readFormFields(request, bodyLimits.open)).get("act") ?? ""
        const quote = await acting(app, link, booking, { act, command })
        if (quote) return respond(askPage(link, booking, quote))
        const words = Object.hasOwn(saidOf, act) ? saidOf[act as keyof typeof saidOf] : undefined
        const said = words && { text: words[link.language], isFault: false }
        return respond(await shown(app, link, nth, said ? { said } : {}))
      } catch (error) {
        const answer = errorAnswerOf(error)
        if (!answer) throw error
        const { code, detail } = answer.body as { readonly code: string; readonly detail: string }
        const text = link.language === "en" ? detail : (refusalWords[code] ?? pageWords.notTogether.de)
        return respond(await shown(app, link, nth, { status: answer.status, said: { text, isFault: true } }))
      }
    })

/** What is said as done; asking and looking say nothing. */
const saidOf = {
  accept: pageWords.accepted,
  decline: pageWords.declined,
  cancel: pageWords.cancelled,
  release: pageWords.givenBack,
}

interface Act {
  readonly act: string
  readonly command: RequestTools["command"]
}

/** Does what the button says. Answers the quote that a cancellation is asked with. */
async function acting(
  app: App,
  { member, entryId, language }: OpenedLink,
  { id }: BookingRow,
  { act, command }: Act,
): Promise<CancellationQuote | undefined> {
  const by = { open: true, userId: member.caller.userId } as const
  switch (act) {
    case "ask":
      return command((tx) => quoteCancellation(tx, member, id, {}), by)
    case "cancel": {
      const cancellationReason = reasons[language]
      await command((tx) => cancelBooking(tx, member, id, { cancellationReason }), by)
      return undefined
    }
    case "release":
      await command((tx) => releaseHold(tx, member, id), by)
      return undefined
    case "accept": {
      if (entryId === undefined) return undefined
      const how = { paymentMethod: "online" } as const
      const offered = () => offeredBooking(app.db, member, entryId, how.paymentMethod)
      const before = () => runAcceptHooks(app.hooks, member, how, offered)
      await command((tx, hooked: Hooked<typeof how>) => acceptOffer(tx, member, entryId, hooked), { ...by, before })
      return undefined
    }
    case "decline":
      if (entryId !== undefined) await command((tx) => declineOffer(tx, member, entryId), by)
      return undefined
    default:
      return undefined
  }
}

/** What staff read as the reason. */
const reasons = { en: "Cancelled from the mail", de: "Aus der Mail abgesagt" }

/** The page of the link as things stand now. */
async function shown(
  app: App,
  link: OpenedLink,
  nth: number,
  how: Omit<Shown, "papers" | "signInUrl"> = {},
): Promise<HtmlPage> {
  if (link.invoiceId !== undefined)
    return invoicePage(link, toIssuedInvoice(await getPaper(app.db, link.member, link.invoiceId)))
  const booking = await bookingOf(app, link, nth)
  if (booking === undefined) {
    const all = await Promise.all(link.bookingIds.map((id) => findBooking(app.db, link.member.facilityId, id)))
    const theirs = all.filter((each) => each !== undefined && mayOpen(link, each)) as BookingRow[]
    return theirs.length === 0 ? endedPage(app.config.signInUrl) : seriesPage(link, theirs)
  }
  const { data } = await listPapers(app.db, link.member, { referenceId: booking.id })
  const all = { ...how, papers: data.toReversed(), signInUrl: app.config.signInUrl }
  if (link.entryId === undefined) return bookingPage(link, booking, all)
  return offerPage(link, await getEntry(app.db, link.member, link.entryId), booking, all)
}

/** The PDF of the link's invoice, or of a paper for a booking of the link. Throws NotFound, also for another one. */
async function paperOf({ db }: App, link: OpenedLink, id: string): Promise<Response> {
  const paper = await getPaper(db, link.member, idOf(id, "invoice"))
  if (paper.id !== link.invoiceId && !link.bookingIds.includes(paper.reference_id ?? ""))
    throw new NotFound("invoice", id)
  const { content } = await pdfFile(db, paper, link.language)
  const name = `inline; filename="${paper.number}.pdf"`
  return new Response(content, {
    headers: { ...pageHeaders, "content-type": "application/pdf", "content-disposition": name },
  })
}

/** The booking that is shown; undefined: a series, of which none is chosen, or one that the reader may not see. */
async function bookingOf({ db }: App, link: OpenedLink, nth: number): Promise<BookingRow | undefined> {
  const id = link.bookingIds[link.bookingIds.length === 1 ? 0 : nth - 1]
  const booking = id === undefined ? undefined : await findBooking(db, link.member.facilityId, id)
  return booking && mayOpen(link, booking) ? booking : undefined
}

/** Which booking of a series; 0: none. */
const nthOf = (request: Request): number => Number(new URL(request.url).searchParams.get("booking") ?? 0)

const respond = ({ status, html }: HtmlPage) => new Response(html, { status, headers: pageHeaders })
