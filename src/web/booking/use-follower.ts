/** The followed day as React state. */
import { useCallback, useEffect, useRef, useState } from "react"
import type { Me } from "./answers.ts"
import type { Api } from "./api.ts"
import { isShownDay, type ShownDay } from "./day.ts"
import type { PageFacts } from "./facts.ts"
import { type CellChange, Follower } from "./follow.ts"

export interface FollowerHeard {
  readonly onOwn: () => void
  readonly onChanges: (changes: readonly CellChange[]) => void
  readonly onBack: () => void
}

/** @param isKnown whether it is known who is signed in */
export function useFollower(api: Api, facts: PageFacts, isKnown: boolean, me: Me | undefined, heard: FollowerHeard) {
  const [date, setDate] = useState(facts.date)
  const [day, setDay] = useState<ShownDay | undefined>(facts.day ?? undefined)
  const [isHidden, setHidden] = useState(false)
  const [isAway, setAway] = useState(false)
  const told = useRef(heard)
  told.current = heard
  const follower = useRef<Follower>(undefined)
  const dateRef = useRef(date)
  const dayRef = useRef(day)
  dateRef.current = date
  dayRef.current = day
  const changed = useBatch((changes) => told.current.onChanges(changes))

  useEffect(() => {
    if (!isKnown) return
    const place = { facilityId: facts.facility.id, court: facts.court }
    const one = new Follower(
      api,
      place,
      {
        onDay: (next, changes) => {
          setDay(next)
          setHidden(false)
          changed(changes)
        },
        onReach: (isThere) => {
          setAway(!isThere)
          if (isThere) told.current.onBack()
        },
        onHidden: () => {
          setDay(undefined)
          setHidden(true)
        },
        onOwn: () => told.current.onOwn(),
      },
      { date: dateRef.current, day: dayRef.current ?? null },
    )
    follower.current = one
    one.connect(me?.id)
    return () => one.close()
  }, [api, facts, isKnown, me?.id, changed])

  const show = useCallback(
    (wanted: string) => {
      if (!isShownDay(wanted, facts.today)) return
      setDate(wanted)
      const address = new URL(location.href)
      address.searchParams.set("date", wanted)
      history.replaceState(null, "", address)
      void follower.current?.show(wanted)
    },
    [facts],
  )
  return { day, date, isHidden, isAway, show }
}

/** Changes within this time are spoken as one. */
const together = 900

function useBatch(tell: (changes: readonly CellChange[]) => void) {
  const waiting = useRef<CellChange[]>([])
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const last = useRef(tell)
  last.current = tell
  return useCallback((changes: readonly CellChange[]) => {
    if (changes.length === 0) return
    waiting.current.push(...changes)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => last.current(waiting.current.splice(0)), together)
  }, [])
}
