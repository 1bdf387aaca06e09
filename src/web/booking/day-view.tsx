/** The view of a day: its name with the ways to other days, the grid, and what the colours mean. */
import { useEffect, useState } from "react"
import { Button, Input, Label, TextField } from "react-aria-components"
import { isMember, useClub } from "./club.ts"
import type { ShownDay } from "./day.ts"
import { type Chosen, Grid } from "./grid.tsx"
import { JoinClub } from "./join.tsx"
import { dayOf } from "./times.ts"

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
  const { facts, words, writing, me } = useClub()
  // What is typed may not be a day yet, such as the first digits of a year.
  const [typed, setTyped] = useState(date)
  useEffect(() => setTyped(date), [date])
  const isOtherZone = Intl.DateTimeFormat().resolvedOptions().timeZone !== facts.facility.timezone
  return (
    <>
      <div className="daybar">
        <Button className="step" aria-label={words.dayBefore} onPress={() => onStep(-1)}>
          ‹
        </Button>
        <h1 className="dayname">{dayOf(writing, date)}</h1>
        <Button className="step" aria-label={words.dayAfter} onPress={() => onStep(1)}>
          ›
        </Button>
        <div className="daypick">
          {date !== facts.today && (
            <Button className="quiet small" onPress={() => onDate(facts.today)}>
              {words.today}
            </Button>
          )}
          <TextField
            className="picker"
            type="text"
            value={typed}
            onChange={(value) => {
              setTyped(value)
              if (value >= facts.firstDay && value <= facts.lastDay) onDate(value)
            }}
          >
            <Label className="unseen">{words.chooseDay}</Label>
            <Input type="date" min={facts.firstDay} max={facts.lastDay} />
          </TextField>
        </div>
      </div>
      {isOtherZone && (
        <p className="zone strong">
          {words.zone(facts.facility.timezone)} <strong>{words.otherZone}</strong>
        </p>
      )}
      {isHidden && (
        <div className="card note">
          <p>{me === undefined ? words.membersOnly : words.membersSee}</p>
          {me === undefined && (
            <Button className="go" onPress={onSignIn}>
              {words.signIn}
            </Button>
          )}
          {me && !isMember(me, facts.facility) && <JoinClub />}
        </div>
      )}
      {day && <DayTable day={day} isOld={day.date !== date} onChoose={onChoose} onStep={onStep} />}
      {!isOtherZone && <p className="zone">{words.zone(facts.facility.timezone)}</p>}
    </>
  )
}

type DayTableProps = Pick<DayViewProps, "onChoose" | "onStep"> & { readonly day: ShownDay; readonly isOld: boolean }

function DayTable({ day, isOld, onChoose, onStep }: DayTableProps) {
  const { words } = useClub()
  if (day.resources.length === 0) return <p className="card note">{words.noCourts}</p>
  if (day.resources.every(({ slots }) => slots.length === 0)) return <p className="card note">{words.closedDay}</p>
  const slots = day.resources.flatMap((court) => court.slots)
  const isFull = slots.some(({ status }) => status === "booked") && slots.every(({ status }) => status !== "free")
  return (
    <>
      {isFull && <p className="card note">{words.fullDay}</p>}
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
