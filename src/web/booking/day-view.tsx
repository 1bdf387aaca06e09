/** The view of a day: its name with the ways to other days, the grid, and what the colours mean. */
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
  const { facts, words, language, me } = useClub()
  const isOtherZone = Intl.DateTimeFormat().resolvedOptions().timeZone !== facts.facility.timezone
  return (
    <>
      <div className="daybar">
        <Button className="step" aria-label={words.dayBefore} onPress={() => onStep(-1)}>
          ‹
        </Button>
        <h1 className="dayname">{dayOf(language, date)}</h1>
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
            value={date}
            onChange={(value) => /^\d{4}-\d\d-\d\d$/.test(value) && onDate(value)}
          >
            <Label className="unseen">{words.chooseDay}</Label>
            <Input type="date" />
          </TextField>
        </div>
      </div>
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
      <p className="zone">
        {words.zone(facts.facility.timezone)} {isOtherZone && <strong>{words.otherZone}</strong>}
      </p>
    </>
  )
}

type DayTableProps = Pick<DayViewProps, "onChoose" | "onStep"> & { readonly day: ShownDay; readonly isOld: boolean }

function DayTable({ day, isOld, onChoose, onStep }: DayTableProps) {
  const { words } = useClub()
  if (day.resources.length === 0) return <p className="card note">{words.noCourts}</p>
  if (day.resources.every(({ slots }) => slots.length === 0)) return <p className="card note">{words.closedDay}</p>
  return (
    <>
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
