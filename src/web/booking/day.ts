/**
 * A day of a facility as a table: hours down, courts across. Pure functions, which the server and the browser share, so
 * that the first HTML and the living page have the same cells.
 */

export type SlotStatus = "free" | "held" | "booked" | "blocked"

export interface ShownSlot {
  readonly startAt: string
  readonly endAt: string
  readonly status: SlotStatus
  readonly priceAmount: number
}

export interface Court {
  readonly resourceId: string
  readonly name: string
  readonly slots: readonly ShownSlot[]
}

/** The answer of GET …/availability, of all its pages together. */
export interface ShownDay {
  readonly date: string
  /** Where in the log the day is true; positions repeat in another epoch. */
  readonly position: string
  readonly epoch: string
  readonly resources: readonly Court[]
}

/** An hour of the table, with one cell for each court; undefined where a court has no such slot. */
export interface Row {
  readonly startAt: string
  readonly endAt: string
  readonly cells: readonly (ShownSlot | undefined)[]
}

/** The rows of the courts, by their start. Courts of one facility share the steps of the day. */
export function rowsOf(courts: readonly Court[]): readonly Row[] {
  const ends = new Map<string, string>()
  const byStart = courts.map(({ slots }) => new Map(slots.map((slot) => [slot.startAt, slot])))
  for (const { slots } of courts) for (const { startAt, endAt } of slots) ends.set(startAt, endAt)
  return [...ends].sort(inOrder).map(([startAt, endAt]) => ({
    startAt,
    endAt,
    cells: byStart.map((slots) => slots.get(startAt)),
  }))
}

/** How many free slots of one court follow each other without a gap, the first included. */
export function freeInARow(slots: readonly ShownSlot[], startAt: string, atMost: number): readonly ShownSlot[] {
  const found: ShownSlot[] = []
  let next = startAt
  for (const slot of slots.toSorted((a, b) => (a.startAt < b.startAt ? -1 : 1))) {
    if (slot.startAt !== next || found.length === atMost) continue
    if (slot.status !== "free") break
    found.push(slot)
    next = slot.endAt
  }
  return found
}

/** What a cell says of its state. A time that is under way is not over. @param now milliseconds */
export const stateWord = <State extends string>(
  words: Readonly<Record<State | "begun", string>>,
  state: State,
  endAt: string,
  now: number,
): string => (state === "past" && Date.parse(endAt) > now ? words.begun : words[state])

/** The day with the new slots of one court. */
export const withSlots = (day: ShownDay, resourceId: string, slots: readonly ShownSlot[]): ShownDay => ({
  ...day,
  resources: day.resources.map((court) => (court.resourceId === resourceId ? { ...court, slots } : court)),
})

/** More courts than a phone shows are wider, so that the last one is cut and says that more follow. */
export const gridClass = ({ resources }: ShownDay): string => (resources.length > 4 ? "grid many" : "grid")

/** The calendar day so many days later. */
export const daysLater = (date: string, days: number): string =>
  new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 10)

const inOrder = ([a]: readonly [string, string], [b]: readonly [string, string]) => (a < b ? -1 : a > b ? 1 : 0)
