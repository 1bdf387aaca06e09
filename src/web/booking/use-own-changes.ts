/** Tells the changes that the person makes from those of others: only the latter are spoken. */
import { useEffect, useRef } from "react"
import type { ListedBooking } from "./answers.ts"
import type { CellChange } from "./follow.ts"

/** Answers whether a change is at a time that the person has, or had until a moment ago. */
export function useOwnChanges(own: readonly ListedBooking[], userId: string | undefined) {
  const until = useRef(new Map<ListedBooking, number>())
  useEffect(() => {
    const known = until.current
    for (const each of known.keys()) known.set(each, Math.min(known.get(each) ?? 0, Date.now() + lingersMs))
    for (const each of own) if (each.bookerId === userId) known.set(each, Number.POSITIVE_INFINITY)
    for (const [each, end] of known) if (end < Date.now()) known.delete(each)
  }, [own, userId])
  return ({ resourceId, slot }: CellChange): boolean =>
    [...until.current].some(
      ([each, end]) =>
        end > Date.now() && each.resourceId === resourceId && each.startAt < slot.endAt && each.endAt > slot.startAt,
    )
}

/** The event of one's own change comes sooner. */
const lingersMs = 5_000
