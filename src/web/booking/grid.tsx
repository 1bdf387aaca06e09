/**
 * The day's grid: courts across, hours down, one tab stop. Arrows, Home and End move inside of it; Page Up
 * and Page Down change the day. What others change never moves the focus, because cells stay the same elements.
 */
import { type CSSProperties, type FocusEvent, type KeyboardEvent, useEffect, useRef, useState } from "react"
import { useClub } from "./club.ts"
import { type Court, gridClass, type Row, rowsOf, type ShownDay, type ShownSlot, stateWord } from "./day.ts"
import { dayOf, hoursOf, moneyOf, timeOf } from "./times.ts"

export type CellState = "free" | "held" | "booked" | "blocked" | "past" | "mine"

export interface Chosen {
  readonly court: Court
  readonly slot: ShownSlot
  readonly state: CellState
}

export interface GridProps {
  readonly day: ShownDay
  readonly isOld: boolean
  readonly onChoose: (chosen: Chosen) => void
  readonly onDay: (days: number) => void
}

export function Grid({ day, isOld, onChoose, onDay }: GridProps) {
  const { words, writing } = useClub()
  const rows = rowsOf(day.resources)
  const place = useRoving(rows.length, day.resources.length, firstFree(rows))
  const stateOf = useStates()
  const table = useRef<HTMLTableElement>(null)
  // After Page Up and Page Down the focus is on the same place of the other day.
  useEffect(() => {
    if (place.hasFocus.current) cellAt(table.current, place.row, place.column)?.focus()
  }, [day.date])
  useNextStart(rows)
  const times = rows.map(({ startAt }) => timeOf(writing, startAt))
  const choose = (row: number, column: number) => {
    const [court, slot] = [day.resources[column], rows[row]?.cells[column]]
    if (court && slot) onChoose({ court, slot, state: stateOf(court, slot) })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.metaKey) return
    if (event.key === "PageUp" || event.key === "PageDown") onDay(event.key === "PageUp" ? -1 : 1)
    else if (event.key === "Enter" || event.key === " ") choose(place.row, place.column)
    else {
      const next = moved(event, place, rows.length, day.resources.length)
      if (next === undefined) return
      place.go(...next)
      cellAt(table.current, ...next)?.focus()
    }
    event.preventDefault()
  }
  return (
    <div className="scroll">
      <table
        ref={table}
        role="grid"
        className={gridClass(day)}
        style={{ "--courts": day.resources.length } as CSSProperties}
        aria-label={words.grid(dayOf(writing, day.date))}
        aria-describedby="grid-help"
        aria-rowcount={rows.length + 1}
        aria-colcount={day.resources.length + 1}
        aria-busy={isOld}
        onKeyDown={onKeyDown}
        onFocus={place.onFocus}
        onBlur={place.onBlur}
      >
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className="corner" aria-colindex={1}>
              <span className="unseen">{words.hour}</span>
            </th>
            {day.resources.map(({ resourceId, name }, n) => (
              <th scope="col" key={resourceId} aria-colindex={n + 2}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, r) => (
            <tr key={times[r]} aria-rowindex={r + 2}>
              <th scope="row" aria-colindex={1}>
                {times[r]}
              </th>
              {day.resources.map((court, c) => (
                <Cell
                  key={court.resourceId}
                  court={court}
                  slot={row.cells[c]}
                  column={c}
                  state={row.cells[c] && stateOf(court, row.cells[c])}
                  isStop={r === place.row && c === place.column}
                  // A screen reader may move the focus by itself.
                  onFocus={() => place.go(r, c)}
                  onChoose={() => choose(r, c)}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="unseen" id="grid-help">
        {words.gridHelp}
      </p>
    </div>
  )
}

interface CellProps {
  readonly court: Court
  readonly slot: ShownSlot | undefined
  readonly column: number
  readonly state: CellState | undefined
  readonly isStop: boolean
  readonly onFocus: () => void
  readonly onChoose: () => void
}

function Cell({ court, slot, column, state, isStop, onFocus, onChoose }: CellProps) {
  const { words, writing, facts, now } = useClub()
  const price = slot && (slot.priceAmount === 0 ? words.free : moneyOf(writing, slot.priceAmount, facts.currency))
  const spokenPrice = slot?.priceAmount === 0 ? words.free0 : price
  const word = state && slot ? stateWord(words, state, slot.endAt, now()) : ""
  const says = word === "" ? words.nothing : state === "free" ? `${words.free}, ${spokenPrice}` : word
  const label =
    slot === undefined
      ? `${court.name}, ${words.nothing}`
      : words.cell(court.name, hoursOf(writing, slot.startAt, slot.endAt), says)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are heard by the grid
    <td
      role="gridcell"
      className={`cell ${state ?? "nothing"}`}
      aria-colindex={column + 2}
      aria-label={label}
      aria-disabled={state === undefined || state === "past" || state === "blocked"}
      tabIndex={isStop ? 0 : -1}
      onFocus={onFocus}
      onClick={onChoose}
    >
      <span className="says" aria-hidden="true">
        {state === "free" ? price : word}
      </span>
    </td>
  )
}

/** Shows the grid anew when the next of its times begins: from then on it is over, without any event. */
function useNextStart(rows: readonly Row[]): void {
  const { now } = useClub()
  const [, setBegun] = useState(0)
  const next = rows.map(({ startAt }) => Date.parse(startAt)).find((at) => at > now())
  useEffect(() => {
    if (next === undefined) return
    const timer = setTimeout(() => setBegun((count) => count + 1), Math.min(next - now() + 50, 3_600_000))
    return () => clearTimeout(timer)
  })
}

/** How a cell is shown to this person now. */
function useStates() {
  const { own, me, now } = useClub()
  const at = now()
  return ({ resourceId }: Court, slot: ShownSlot): CellState => {
    const isOwn = own.some(
      (each) =>
        each.resourceId === resourceId &&
        each.bookerId === me?.id &&
        each.startAt < slot.endAt &&
        each.endAt > slot.startAt,
    )
    if (isOwn && slot.status !== "free") return "mine"
    return slot.status === "free" && Date.parse(slot.startAt) <= at ? "past" : slot.status
  }
}

/** The one cell that the Tab key reaches. It stays where the person left it, whatever others book. */
function useRoving(rows: number, columns: number, first: readonly [row: number, column: number]) {
  const [[row, column], go] = useState(first)
  const hasFocus = useRef(false)
  const clamp = (value: number, count: number) => Math.max(0, Math.min(value, count - 1))
  return {
    row: clamp(row, rows),
    column: clamp(column, columns),
    hasFocus,
    go: (toRow: number, toColumn: number) =>
      go((now) => (now[0] === toRow && now[1] === toColumn ? now : [toRow, toColumn])),
    onFocus: () => {
      hasFocus.current = true
    },
    onBlur: ({ relatedTarget, currentTarget }: FocusEvent) => {
      hasFocus.current = currentTarget.contains(relatedTarget)
    },
  }
}

function moved(
  { key, ctrlKey }: KeyboardEvent,
  { row, column }: { readonly row: number; readonly column: number },
  rows: number,
  columns: number,
): [number, number] | undefined {
  switch (key) {
    case "ArrowUp":
      return [Math.max(0, row - 1), column]
    case "ArrowDown":
      return [Math.min(rows - 1, row + 1), column]
    case "ArrowLeft":
      return [row, Math.max(0, column - 1)]
    case "ArrowRight":
      return [row, Math.min(columns - 1, column + 1)]
    case "Home":
      return [ctrlKey ? 0 : row, 0]
    case "End":
      return [ctrlKey ? rows - 1 : row, columns - 1]
    default:
      return undefined
  }
}

function firstFree(rows: readonly Row[]): readonly [number, number] {
  const row = rows.findIndex(({ cells }) => cells.some((slot) => slot?.status === "free"))
  return row < 0 ? [0, 0] : [row, rows[row]?.cells.findIndex((slot) => slot?.status === "free") ?? 0]
}

const cellAt = (table: HTMLTableElement | null, row: number, column: number): HTMLElement | undefined =>
  table?.tBodies[0]?.rows[row]?.cells[column + 1]
