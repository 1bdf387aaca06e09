/** The view of a day: its name with the ways to other days, the grid, and what the colours mean. */
import { useState } from "react"
import { Button, Input, Label, TextField } from "react-aria-components"
import { isMember, useClub } from "./club.ts"
import type { ShownDay } from "./day.ts"
import { type Chosen, Grid } from "./grid.tsx"
import { JoinClub } from "./join.tsx"
import { dateOf, dayOf } from "./times.ts"

export interface DayViewProps {
  readonly day: ShownDay | undefined
  readonly date: string
  readonly isHidden: boolean
  readonly onChoose: (chosen: Chosen) => void
  readonly onDate: (date: string) => void
  readonly onStep: (days: number) => void
  readonly onSignIn: () => void
}

export function DayView({ day, date, isHidden, onChoose, onDate, onStep, onSignIn }: DayViewProps) {
  const { facts, words, writing, now } = useClub()
  const today = dateOf(writing, new Date(now()).toISOString())
  const isOtherZone = Intl.DateTimeFormat().resolvedOptions().timeZone !== facts.facility.timezone
  return (
    <>
      <div className="daybar">
        <Button className="step" aria-label={words.dayBefore} onPress={() => onStep(-1)}>
          ‹
        </Button>
        <h1 className="dayname" tabIndex={-1}>
          {dayOf(writing, date)}
        </h1>
        <Button className="step" aria-label={words.dayAfter} onPress={() => onStep(1)}>
          ›
        </Button>
        <div className="daypick">
          {date !== today && (
            <Button className="quiet small" onPress={() => onDate(today)}>
              {words.today}
            </Button>
          )}
          <DatePicker date={date} onDate={onDate} />
        </div>
      </div>
      {isOtherZone && (
        <p className="zone strong">
          {words.zone(facts.facility.timezone)} <strong>{words.otherZone}</strong>
        </p>
      )}
      {isHidden && <Hidden onSignIn={onSignIn} />}
      {day && <DayTable day={day} isOld={day.date !== date} onChoose={onChoose} onStep={onStep} />}
      {!isOtherZone && <p className="zone">{words.zone(facts.facility.timezone)}</p>}
    </>
  )
}

interface DatePickerProps {
  readonly date: string
  readonly onDate: (date: string) => void
}

/** While a year is typed, its first digits are years too: those are kept in the field, and open no day. */
function DatePicker({ date, onDate }: DatePickerProps) {
  const { facts, words } = useClub()
  const [typed, setTyped] = useState<string>()
  return (
    <TextField
      className="picker"
      type="text"
      value={typed ?? date}
      onChange={(value) => {
        setTyped(value)
        if (/^\d{4}-\d\d-\d\d$/.test(value) && value >= facts.firstDay && value <= facts.lastDay) onDate(value)
      }}
      onBlur={() => setTyped(undefined)}
    >
      <Label className="unseen">{words.chooseDay}</Label>
      <Input type="date" min={facts.firstDay} max={facts.lastDay} />
    </TextField>
  )
}

/** Why no day is shown. A court that is not there is another reason than the club's rule. */
function Hidden({ onSignIn }: Pick<DayViewProps, "onSignIn">) {
  const { facts, words, me } = useClub()
  const isCourtMissing = facts.court !== null && (me === undefined ? facts.day !== null : isMember(me, facts.facility))
  if (isCourtMissing) return <NoSuchCourt />
  return (
    <div className="card note">
      <p>{me === undefined ? words.membersOnly : words.membersSee}</p>
      {me === undefined && (
        <Button className="go" onPress={onSignIn}>
          {words.signIn}
        </Button>
      )}
      {me && !isMember(me, facts.facility) && <JoinClub />}
    </div>
  )
}

function NoSuchCourt() {
  const { facts, words } = useClub()
  return (
    <div className="card note">
      <p>{words.noSuchCourt}</p>
      <p>
        <a href={`/f/${facts.facility.id}${facts.isEmbedded ? "?embed=1" : ""}`}>{words.allCourts}</a>
      </p>
    </div>
  )
}

type DayTableProps = Pick<DayViewProps, "onChoose" | "onStep"> & { readonly day: ShownDay; readonly isOld: boolean }

function DayTable({ day, isOld, onChoose, onStep }: DayTableProps) {
  const { facts, words } = useClub()
  if (day.resources.length === 0)
    return facts.court === null ? <p className="card note">{words.noCourts}</p> : <NoSuchCourt />
  if (day.resources.every(({ slots }) => slots.length === 0)) return <p className="card note">{words.closedDay}</p>
  const slots = day.resources.flatMap((court) => court.slots)
  const isFull = slots.some(({ status }) => status === "booked") && slots.every(({ status }) => status !== "free")
  return (
    <>
      {isFull && <p className="card note">{words.fullDay}</p>}
      {slots.every(({ status }) => status === "blocked") && <p className="card note">{words.allClosed}</p>}
      <Grid day={day} isOld={isOld} onChoose={onChoose} onDay={onStep} />
      <ul className="legend" aria-label={words.legend}>
        {(["free", "held", "booked", "mine", "blocked"] as const).map((state) => (
          <li key={state}>
            <span className={`swatch cell ${state}`} aria-hidden="true" />
            {words[state]}
          </li>
        ))}
      </ul>
    </>
  )
}
