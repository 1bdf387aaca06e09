/**
 * The countdown of a hold. It speaks at two minutes, one minute and 20 seconds. One key gives more time, up to ten
 * times, unless somebody waits for the slot (Web Content Accessibility Guidelines 2.2.1).
 */
import { useEffect, useRef, useState } from "react"
import { Button } from "react-aria-components"
import type { ListedBooking } from "./answers.ts"
import { Refused } from "./api.ts"
import { useClub } from "./club.ts"
import { clockOf, dateOf, dayOf, hoursOf } from "./times.ts"
import { useWork } from "./use-work.ts"

export interface HoldClockProps {
  readonly hold: ListedBooking
  readonly onExtended: (hold: ListedBooking) => void
  readonly onRanOut: () => void
}

export function HoldClock({ hold, onExtended, onRanOut }: HoldClockProps) {
  const { words, say, me } = useClub()
  const left = useSecondsLeft(hold, onRanOut)
  const help = useRef<HTMLParagraphElement>(null)
  // Nobody who is signed out can ask for more.
  const more = useMoreTime(me === undefined ? { ...hold, extensionsLeft: 0 } : hold, (longer) => {
    // The button goes with the last time. Enter once more must not press what comes behind it: that pays.
    const hasFocus = document.activeElement?.getAttribute("aria-describedby") === "more-left"
    if ((longer.extensionsLeft ?? 0) === 0 && hasFocus) help.current?.focus()
    onExtended(longer)
  })
  useSpokenMarks(left)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLInputElement && event.target.type !== "radio"
      // A key that is kept down repeats, and would take all the time there is.
      if (event.repeat) return
      if (event.key.toLowerCase() === "m" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping) more.ask()
    }
    document.addEventListener("keydown", onKey)
    return () => document.removeEventListener("keydown", onKey)
  })
  useEffect(() => more.fault && say(more.fault), [more.fault, say])
  return (
    <div className={left <= 60 ? "clock late" : "clock"}>
      <p className="clocktext">
        {words.keptFor} <strong className="digits">{words.timeLeft(clockOf(left))}</strong>
      </p>
      {me !== undefined && (hold.extensionsLeft ?? 0) > 0 && more.fault !== words.somebodyWaits && (
        <Button className="quiet" onPress={more.ask} data-busy={more.isBusy || undefined} aria-describedby="more-left">
          {words.moreTime} <kbd>M</kbd>
        </Button>
      )}
      <p className="help" id="more-left" ref={help} tabIndex={-1}>
        {me !== undefined && (more.fault ?? words.moreTimeLeft(hold.extensionsLeft ?? 0))}
      </p>
    </div>
  )
}

/** A hold that waits while the person looks at something else. */
export function HoldBar({ hold, onPay }: { readonly hold: ListedBooking; readonly onPay: () => void }) {
  const { words, writing, api, refreshOwn } = useClub()
  const left = useSecondsLeft(hold, () => void refreshOwn().catch(() => {}))
  const { run, isBusy } = useWork()
  const giveBack = () =>
    run(async () => {
      await api.send("DELETE", `…/holds/${hold.id}`)
      await refreshOwn()
    })
  useSpokenMarks(left)
  return (
    <section className="holdbar" aria-label={words.keptFor}>
      <p>
        {hold.resourceName}, {dayOf(writing, dateOf(writing, hold.startAt), "short")},{" "}
        {hoursOf(writing, hold.startAt, hold.endAt)}{" "}
        <strong className={left <= 60 ? "digits late" : "digits"}>{words.timeLeft(clockOf(left))}</strong>
      </p>
      <Button className="quiet" onPress={giveBack} data-busy={isBusy || undefined}>
        {words.giveBack}
      </Button>
      <Button className="go small" onPress={onPay}>
        {words.payTitle}
      </Button>
    </section>
  )
}

/** Whole seconds until an instant by the database's clock. */
export function useSecondsLeft({ expiresAt }: { readonly expiresAt: string | null }, onRanOut: () => void): number {
  const { now } = useClub()
  const [at, setAt] = useState(now)
  const ranOut = useRef(onRanOut)
  ranOut.current = onRanOut
  const end = Date.parse(expiresAt ?? "")
  useEffect(() => {
    const timer = setInterval(() => {
      const present = now()
      setAt(present)
      if (present < end) return
      clearInterval(timer)
      ranOut.current()
    }, 250)
    return () => clearInterval(timer)
  }, [end, now])
  return Math.max(0, Math.ceil((end - at) / 1_000))
}

function useMoreTime(hold: ListedBooking, onExtended: (hold: ListedBooking) => void) {
  const { api, words, now, say } = useClub()
  const { run, isBusy, fault, setFault } = useWork()
  const ask = () => {
    if ((hold.extensionsLeft ?? 0) === 0) return
    void run(async () => {
      try {
        const longer = await api.send<ListedBooking>("POST", `…/holds/${hold.id}/extend`, {})
        onExtended(longer)
        say(words.extended(clockOf(Math.round((Date.parse(longer.expiresAt ?? "") - now()) / 1_000))))
      } catch (error) {
        if (!(error instanceof Refused && error.code === "somebody_waits")) throw error
        setFault(words.somebodyWaits)
      }
    })
  }
  return { ask, isBusy, fault }
}

function useSpokenMarks(left: number): void {
  const { words, say } = useClub()
  const before = useRef(left)
  useEffect(() => {
    const marks = [
      [120, words.twoMinutes],
      [60, words.oneMinute],
      [20, words.twentySeconds],
    ] as const
    for (const [seconds, text] of marks) if (before.current > seconds && left <= seconds && left > 0) say(text)
    before.current = left
  }, [left, words, say])
}
