/**
 * The sheet of a chosen time: how long, what the club asks, then the hold. Who is not signed in does that in between,
 * and the choice stays. A time that is taken leads to the waitlist.
 */
import { useEffect, useRef, useState } from "react"
import { Button, Label, Radio, RadioGroup } from "react-aria-components"
import type { AskedQuestion, ListedBooking } from "./answers.ts"
import { Away, Refused } from "./api.ts"
import { useClub } from "./club.ts"
import { type Court, freeInARow, type ShownDay, type ShownSlot } from "./day.ts"
import type { CellState, Chosen } from "./grid.tsx"
import { MemberButton } from "./join.tsx"
import { Pay } from "./pay.tsx"
import { type GivenAnswers, Questions } from "./questions.tsx"
import { Sheet } from "./sheet.tsx"
import { SignInForm } from "./sign-in.tsx"
import { dateOf, dayOf, hoursOf, moneyOf, timeOf } from "./times.ts"
import { useWork } from "./use-work.ts"
import { JoinWaitlist } from "./wait.tsx"

export interface BookSheetProps {
  readonly chosen: Chosen
  /** The day as it is now. */
  readonly day: ShownDay | undefined
  readonly onClose: () => void
  readonly onMine: () => void
}

const isSame = (court: Court) => (other: Court) => other.resourceId === court.resourceId

interface BookProps extends Omit<BookSheetProps, "day"> {
  /** Somebody was quicker. */
  readonly onTaken: () => void
}

/** A member books this many slots in a row, if the club's policy allows them. */
const longest = 4

export function BookSheet({ chosen, day, onClose, onMine }: BookSheetProps) {
  const { words, writing, now, say } = useClub()
  const { court, slot } = chosen
  // As it was when the sheet opened: a time that is held becomes the person's own meanwhile.
  const [state, setState] = useState(chosen.state)
  /** Why it is another one than was chosen. */
  const [why, setWhy] = useState<string>()
  const turn = (to: CellState, said = "") => {
    setState(to)
    setWhy(said)
    say(said)
  }
  const hasBegun = Date.parse(slot.startAt) <= now()
  const isTaken = (state === "booked" || state === "held") && !hasBegun
  const title = isTaken ? words.waitTitle(court.name) : state === "free" ? words.bookTitle(court.name) : court.name
  const when = `${dayOf(writing, dateOf(writing, slot.startAt))}, ${hoursOf(writing, slot.startAt, slot.endAt)}`
  return (
    <Sheet title={title} onClose={onClose}>
      {why && <p className="turned">{why}</p>}
      {state === "free" ? (
        <Book
          chosen={{ ...chosen, court: day?.resources.find(isSame(court)) ?? court }}
          onClose={onClose}
          onMine={onMine}
          onTaken={() => turn("booked", words.refusals.slot_taken)}
        />
      ) : (
        <>
          <p className="when">{when}</p>
          {hasBegun && state !== "blocked" && state !== "mine" && (
            <p>{Date.parse(slot.endAt) > now() ? words.refusals.booking_started : words.passed}</p>
          )}
          {state === "blocked" && <p>{words.closedTime}</p>}
          {state === "mine" && <OwnTime onClose={onClose} onMine={onMine} />}
          {isTaken && (
            <JoinWaitlist
              chosen={chosen}
              onClose={onClose}
              onMine={onMine}
              onFree={() => turn("free", words.refusals.slot_is_free)}
            />
          )}
        </>
      )}
    </Sheet>
  )
}

function Book({ chosen: { court, slot }, onClose, onMine, onTaken }: BookProps) {
  const { facts, words, writing, api, me, noteClock, refreshOwn, say } = useClub()
  const [choices] = useState(() => {
    const free = freeInARow(court.slots, slot.startAt, longest)
    // A time that has just become free was taken when it was chosen.
    return free.length > 0 ? free : [slot]
  })
  const [endAt, setEndAt] = useState(choices[0]?.endAt ?? slot.endAt)
  const [isSigning, setSigning] = useState(false)
  const [answers, setAnswers] = useState<GivenAnswers>({})
  const [made, setMade] = useState<ListedBooking>()
  const keyOf = useLostKey()
  const questions = useQuestions()
  const work = useWork()
  const price = priceUntil(choices, endAt)
  const wish = { resourceId: court.resourceId, startAt: slot.startAt, endAt }

  const keep = () =>
    work.run(async () => {
      const given = Object.entries(answers).map(([questionId, answer]) => ({ questionId, answer }))
      const wanted = { ...wish, ...(given.length > 0 && { answers: given }) }
      const ask = (path: string, body: object) =>
        keyOf(path, body, (key) => api.send<ListedBooking>("POST", path, body, key))
      const held = await ask("…/holds", wanted).catch((error) => {
        if (error instanceof Refused && error.code === "slot_taken" && endAt === slot.endAt) onTaken()
        // Such a time is asked for at once: the club decides about it.
        if (!(error instanceof Refused && error.code === "approval_required")) throw error
        return ask("…/bookings", { ...wanted, paymentMethod: "online" })
      })
      noteClock(held.updatedAt)
      setMade(held)
      say(`${words.keptFor} ${court.name}, ${hoursOf(writing, slot.startAt, endAt)}`)
      await refreshOwn()
    })
  if (made) return <Pay hold={made} onClose={onClose} onMine={onMine} />
  const when = `${dayOf(writing, dateOf(writing, slot.startAt))}, ${hoursOf(writing, slot.startAt, endAt)}`
  if (me === undefined && isSigning)
    return (
      <>
        <p className="when">{when}</p>
        <p>{words.signInToKeep}</p>
        <SignInForm onDone={() => setSigning(false)} />
      </>
    )
  return (
    <div className="form">
      <p className="when">{when}</p>
      {choices.length > 1 && (
        <RadioGroup className="choices" value={endAt} onChange={setEndAt}>
          <Label>{words.until}</Label>
          <div className="chips">
            {choices.map((each) => (
              <Radio key={each.endAt} value={each.endAt} className="chip">
                {timeOf(writing, each.endAt)}
              </Radio>
            ))}
          </div>
        </RadioGroup>
      )}
      <p className="price">
        <span>{words.price}</span>
        <strong>{price === 0 ? words.free0 : moneyOf(writing, price, facts.currency)}</strong>
      </p>
      {questions.length > 0 && <Questions questions={questions} answers={answers} onAnswers={setAnswers} />}
      <MemberButton label={words.keep} work={work} onSignIn={() => setSigning(true)} onPress={keep} />
    </div>
  )
}

function OwnTime({ onClose, onMine }: Pick<BookSheetProps, "onClose" | "onMine">) {
  const { words } = useClub()
  return (
    <>
      <p>{words.yoursText}</p>
      <Button
        className="go"
        onPress={() => {
          onMine()
          onClose()
        }}
      >
        {words.toMine}
      </Button>
    </>
  )
}

/** The key of a request whose answer was lost: the same request goes again under it, and so is done once. */
function useLostKey() {
  const lost = useRef<{ readonly of: string; readonly key: string }>(undefined)
  return async <T,>(path: string, body: object, send: (key: string) => Promise<T>): Promise<T> => {
    const of = `${path} ${JSON.stringify(body)}`
    const key = lost.current?.of === of ? lost.current.key : crypto.randomUUID()
    lost.current = undefined
    try {
      return await send(key)
    } catch (error) {
      if (error instanceof Away) lost.current = { of, key }
      throw error
    }
  }
}

const priceUntil = (choices: readonly ShownSlot[], endAt: string): number =>
  choices.filter((each) => each.endAt <= endAt).reduce((sum, { priceAmount }) => sum + priceAmount, 0)

/** What the club asks of a booking of open play. */
function useQuestions(): readonly AskedQuestion[] {
  const { api, me } = useClub()
  const [questions, setQuestions] = useState<readonly AskedQuestion[]>([])
  useEffect(() => {
    if (me === undefined) return
    api
      .get<{ questions: readonly AskedQuestion[] }>("…/booking-questions")
      .then((found) => setQuestions(found.questions.filter(isOfPlay)))
      .catch(() => {})
  }, [api, me])
  return questions
}

const isOfPlay = ({ bookingTypes }: AskedQuestion) => bookingTypes === undefined || bookingTypes.includes("open_play")
