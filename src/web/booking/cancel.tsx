/** Cancelling: what comes back and why, before anything is cancelled. */
import { useEffect, useState } from "react"
import { Button, Input, Label, TextField } from "react-aria-components"
import type { ListedBooking, Quote } from "./answers.ts"
import { faultWords, useClub } from "./club.ts"
import { FaultNote, Sheet } from "./sheet.tsx"
import { dateOf, dayOf, hoursOf, moneyOf } from "./times.ts"
import { useWork } from "./use-work.ts"

export function CancelSheet({ booking, onClose }: { readonly booking: ListedBooking; readonly onClose: () => void }) {
  const club = useClub()
  const { words, writing, api, refreshOwn, tell } = club
  const [quote, setQuote] = useState<Quote>()
  const [reason, setReason] = useState("")
  const work = useWork()
  const { setFault } = work
  useEffect(() => {
    api
      .send<Quote>("POST", `…/bookings/${booking.id}/cancel`, { dryRun: true })
      .then(setQuote, (error) => setFault(faultWords(club, error)))
  }, [api, booking.id])
  const cancel = () =>
    work.run(async () => {
      await api.send("POST", `…/bookings/${booking.id}/cancel`, { cancellationReason: reason.trim() || words.noReason })
      await refreshOwn()
      tell(words.cancelled)
      onClose()
    })
  return (
    <Sheet title={words.cancelTitle} onClose={onClose}>
      <div className="form">
        <p className="when">
          {booking.resourceName}, {dayOf(writing, dateOf(writing, booking.startAt))},{" "}
          {hoursOf(writing, booking.startAt, booking.endAt)}
        </p>
        {quote && <Explained quote={quote} booking={booking} />}
        <TextField className="field" value={reason} onChange={setReason} maxLength={200}>
          <Label>
            {words.reason} ({words.optional})
          </Label>
          <Input />
        </TextField>
        <FaultNote says={work.fault} />
        <div className="row end">
          <Button className="quiet" onPress={onClose}>
            {words.keepIt}
          </Button>
          <Button
            className="go danger"
            isDisabled={quote === undefined}
            data-busy={work.isBusy || undefined}
            onPress={cancel}
          >
            {words.cancelGo}
          </Button>
        </div>
      </div>
    </Sheet>
  )
}

/** The refund, and the rules of the club with the one that applies now. */
function Explained({ quote, booking }: { readonly quote: Quote; readonly booking: ListedBooking }) {
  const { words, writing } = useClub()
  // The quote has a line for each rule of the policy, and one for all that is later. A closed time comes before them.
  const rules = [...booking.cancellationPolicy, { hoursBefore: 0, refundPercent: 0 }]
  const before = booking.struckReason === null ? 0 : 1
  const isOfPolicy = booking.cancellationPolicy.length > 0 && quote.lines.length === before + rules.length
  const wordsOfLine = (line: Quote["lines"][number], n: number) =>
    !isOfPolicy
      ? `${line.rule} · ${words.percent(line.refundPercent)}`
      : n < before
        ? words.ruleClosed(line.refundPercent)
        : words.rule(rules[n - before]?.hoursBefore ?? 0, line.refundPercent)
  const money = (amount: number) => moneyOf(writing, amount, quote.currency)
  return (
    <div className="card plain">
      <p>
        <strong>
          {quote.paidAmount === 0
            ? words.refundUnpaid
            : quote.refundAmount === 0
              ? words.refundNone
              : words.refundBack(money(quote.refundAmount))}
        </strong>
      </p>
      {quote.refundAmount > 0 && <p>{words.refundPercentOf(quote.refundPercent, money(quote.paidAmount))}</p>}
      {/* Of what was not paid nothing comes back, by whatever rule. */}
      {quote.paidAmount > 0 && (
        <ul className="rules">
          {quote.lines.map((line, n) => (
            <li key={line.rule} className={line.applies ? "applies" : ""}>
              {wordsOfLine(line, n)} {line.applies && <span className="badge">{words.ruleApplies}</span>}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
