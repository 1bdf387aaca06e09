/**
 * Paying for a hold: its countdown, the card, and the wait until the booking stands. A payment whose answer was lost is
 * sent again under the same key, so that nobody pays twice.
 */
import { useEffect, useRef, useState } from "react"
import { Button, Label, Radio, RadioGroup } from "react-aria-components"
import type { ListedBooking, OwnPayment } from "./answers.ts"
import { Away } from "./api.ts"
import { useClub } from "./club.ts"
import { HoldClock } from "./hold.tsx"
import { FaultNote, Sheet } from "./sheet.tsx"
import { SignInForm } from "./sign-in.tsx"
import { StripeCard, type TokenOfCard } from "./stripe.tsx"
import { dateOf, dayOf, hoursOf, moneyOf } from "./times.ts"
import { useWork } from "./use-work.ts"

export interface PayProps {
  readonly hold: ListedBooking
  readonly onClose: () => void
  readonly onMine: () => void
}

type Step = "pay" | "ran-out" | "ended" | "asked" | "done"

export function PaySheet(props: PayProps) {
  const { words } = useClub()
  return (
    <Sheet title={words.payTitle} onClose={props.onClose}>
      <Pay {...props} />
    </Sheet>
  )
}

export function Pay({ hold: first, onClose, onMine }: PayProps) {
  const { words, writing, api, me, refreshOwn, say } = useClub()
  const [hold, setHold] = useState(first)
  const [step, setStep] = useState<Step>(first.status === "pending" ? "asked" : "pay")
  const what = `${hold.resourceName}, ${dayOf(writing, dateOf(writing, hold.startAt))}, ${hoursOf(writing, hold.startAt, hold.endAt)}`
  const giveBack = useWork()
  const paying = useWork()
  const isDone = useRef(false)
  const finish = () => {
    // The event of one's own payment may come before its answer.
    if (!isDone.current) say(words.done(what))
    isDone.current = true
    setStep("done")
  }
  const known = useKnown(first.id, () => {
    if (step !== "pay" || giveBack.isBusy) return
    setStep("ended")
    say(words.notKept)
  })
  // What another window did to the hold: more time, or its payment.
  useEffect(() => {
    if (known === undefined || step !== "pay") return
    if (known.status === "held") setHold((now) => ((known.expiresAt ?? "") > (now.expiresAt ?? "") ? known : now))
    else if (known.status === "pending") setStep("asked")
    else finish()
  }, [known])

  const ranOut = () => {
    if (step !== "pay") return
    setStep("ran-out")
    say(words.ranOut)
    void refreshOwn().catch(() => {})
  }
  if (step === "ran-out" || step === "ended")
    return (
      <Ending says={`${what}: ${step === "ended" ? words.notKept : words.ranOut}`}>
        <Button className="go" autoFocus onPress={onClose}>
          {words.close}
        </Button>
      </Ending>
    )
  if (step === "asked" || step === "done")
    return (
      <Ending says={step === "done" ? words.done(what) : words.asked(what)} isDone>
        <Button
          className="go"
          autoFocus
          onPress={() => {
            onMine()
            onClose()
          }}
        >
          {words.toMine}
        </Button>
        <Button className="quiet" onPress={onClose}>
          {words.close}
        </Button>
      </Ending>
    )
  if (me === undefined)
    return (
      <>
        <p className="when">{what}</p>
        <HoldClock hold={hold} onExtended={setHold} onRanOut={ranOut} />
        <p role="alert">{words.signedOut}</p>
        <SignInForm onDone={() => {}} isKnown />
      </>
    )
  return (
    <div className="form">
      <p className="when">{what}</p>
      {hold.priceAmount === 0 && <p>{words.free0}</p>}
      <HoldClock hold={hold} onExtended={setHold} onRanOut={ranOut} />
      <Card
        hold={hold}
        work={paying}
        onPaid={async () => {
          finish()
          await refreshOwn()
        }}
      />
      <FaultNote says={giveBack.fault} />
      <Button
        className="quiet"
        data-busy={giveBack.isBusy || undefined}
        isDisabled={paying.isBusy}
        onPress={() =>
          giveBack.run(async () => {
            await api.send("DELETE", `…/holds/${hold.id}`)
            await refreshOwn()
            onClose()
          })
        }
      >
        {words.giveBack}
      </Button>
      <p className="unseen">{moneyOf(writing, hold.priceAmount, hold.priceCurrency)}</p>
    </div>
  )
}

/** The hold as the page knows it. @param onGone it was known, and is no longer among the person's own */
function useKnown(id: string, onGone: () => void): ListedBooking | undefined {
  const { own, isOwnRead } = useClub()
  const known = own.find((each) => each.id === id)
  const wasKnown = useRef(false)
  useEffect(() => {
    if (known !== undefined) wasKnown.current = true
    else if (isOwnRead && wasKnown.current) onGone()
  }, [own, isOwnRead])
  return known
}

interface CardProps {
  readonly hold: ListedBooking
  readonly work: ReturnType<typeof useWork>
  readonly onPaid: () => Promise<void>
}

function Card({ hold, work, onPaid }: CardProps) {
  const { facts, words, writing, api } = useClub()
  const [card, setCard] = useState(facts.testCards[0]?.[0] ?? "")
  const [isWaiting, setWaiting] = useState(false)
  const tokenOf = useRef<TokenOfCard>(undefined)
  /** Of the attempt under way: kept while its outcome is unknown. */
  const attempt = useRef<{ readonly key: string; readonly token: string }>(undefined)
  const isFree = hold.priceAmount === 0

  const pay = () =>
    work.run(async () => {
      if (isFree) await api.send("POST", `…/bookings/${hold.id}/confirm`, { paymentMethod: "online" })
      else {
        const token = attempt.current?.token ?? (facts.stripeKey === null ? card : await tokenOf.current?.())
        if (token === undefined) return
        const key = attempt.current?.key ?? crypto.randomUUID()
        attempt.current = { key, token }
        const wanted = { referenceType: "booking", referenceId: hold.id, cardToken: token }
        const payment = await api.send<OwnPayment>("POST", "…/payments", wanted, key).catch((error) => {
          if (!(error instanceof Away)) {
            attempt.current = undefined
            throw error
          }
          work.setFault(words.payUnknown)
        })
        if (payment === undefined) return
        if (payment.status === "failed") {
          attempt.current = undefined
          work.setFault(words.refusals[payment.failureCode ?? ""] ?? payment.failureReason ?? words.somethingWrong)
          return
        }
      }
      setWaiting(true)
      await settled(() => api.get<ListedBooking>(`…/bookings/${hold.id}`))
      await onPaid()
    })
  return (
    <>
      {!isFree && facts.stripeKey !== null && <StripeCard publishableKey={facts.stripeKey} tokenOf={tokenOf} />}
      {!isFree && facts.stripeKey === null && (
        <RadioGroup className="choices" value={card} onChange={setCard}>
          <Label>{words.card}</Label>
          <p className="help">{words.testCards}</p>
          <div className="cards">
            {facts.testCards.map(([token, label]) => (
              <Radio key={token} value={token} className="cardchoice">
                {label} <small>{words.cardKinds[token]}</small>
              </Radio>
            ))}
          </div>
        </RadioGroup>
      )}
      <FaultNote says={work.fault} />
      {isWaiting && work.isBusy && <p role="status">{words.stillPaying}</p>}
      <Button
        className="go"
        onPress={pay}
        data-busy={work.isBusy || undefined}
        autoFocus={isFree || facts.stripeKey === null}
      >
        {work.isBusy && !isFree
          ? words.paying
          : isFree
            ? words.bookFree
            : words.pay(moneyOf(writing, hold.priceAmount, hold.priceCurrency))}
      </Button>
    </>
  )
}

/** Paid holds become bookings within moments; a bank may take a while. */
async function settled(read: () => Promise<ListedBooking>): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const { status } = await read()
    if (status === "confirmed" || status === "pending" || status === "checked_in") return
    if (status !== "held") throw new Error(status)
    await new Promise((done) => setTimeout(done, 250))
  }
  throw new Away()
}

interface EndingProps {
  readonly says: string
  readonly isDone?: boolean
  readonly children: React.ReactNode
}

const Ending = ({ says, isDone = false, children }: EndingProps) => (
  <div className="form ending">
    <p className={isDone ? "bigicon" : "bigicon over"} aria-hidden="true">
      {isDone ? "✓" : "!"}
    </p>
    <p role="status">{says}</p>
    {children}
  </div>
)
