/** The booking page: the day, what the person has, and the sheet in which a time is booked. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react"
import { AccountView } from "./account.tsx"
import type { ListedBooking, ListPage, Me, OwnWish } from "./answers.ts"
import { Api } from "./api.ts"
import { BookSheet } from "./book.tsx"
import { ClubContext, type PageClub } from "./club.ts"
import { daysLater, type ShownDay } from "./day.ts"
import { DayView } from "./day-view.tsx"
import type { PageFacts } from "./facts.ts"
import type { Chosen } from "./grid.tsx"
import { HoldBar } from "./hold.tsx"
import { Messages } from "./messages.tsx"
import { Mine } from "./mine.tsx"
import { PaySheet } from "./pay.tsx"
import { resumeSession } from "./session.ts"
import { SignInSheet } from "./sign-in.tsx"
import { hoursOf, type PageLanguage } from "./times.ts"
import { TopBar, viewNames } from "./top-bar.tsx"
import { useFollower } from "./use-follower.ts"
import { useKeptFocus } from "./use-kept-focus.ts"
import { useOwnChanges } from "./use-own-changes.ts"
import { useSpeech } from "./use-speech.tsx"
import { useView } from "./use-view.ts"
import { pageWordsOf } from "./words.ts"

export function BookingApp({ facts, skew }: { readonly facts: PageFacts; readonly skew: number }) {
  const api = useMemo(() => new Api(facts.facility.id), [facts])
  const [language, setLanguage] = useLanguage(facts.language)
  const words = pageWordsOf[language]
  const [me, setMe] = useState<Me>()
  const [isKnown, setKnown] = useState(false)
  const [chosen, setChosen] = useState<Chosen>()
  const [paying, setPaying] = useState<ListedBooking>()
  const [isSigningIn, setSigningIn] = useState(false)
  const [{ own, wishes, isRead }, setOwn] = useState<Own>(nothing)
  const [wasEnded, setEnded] = useState(false)
  const [told, setTold] = useState("")
  const [wanted, setView] = useView(() => {
    setChosen(undefined)
    setPaying(undefined)
    setSigningIn(false)
  })
  // Only the day is for everybody. Who signs in comes to the view of the address.
  const view = me === undefined ? "day" : wanted
  useKeptFocus()
  const clock = useRef(skew)
  const now = useCallback(() => Date.now() + clock.current, [])
  const speech = useSpeech()

  useEffect(() => {
    resumeSession(api)
      .then(setMe, () => {})
      .finally(() => setKnown(true))
    api.onEnded = () => {
      api.token = undefined
      setMe(undefined)
      setEnded(true)
    }
  }, [api])
  useEffect(() => {
    if (me !== undefined) setEnded(false)
  }, [me])
  useEffect(() => {
    document.title = words.page(facts.facility.name)
  }, [words, facts])

  const reads = useRef({ asked: 0, answered: 0 })
  const refreshOwn = useCallback(async () => {
    const mine = ++reads.current.asked
    // An answer that comes behind a later one is older than that.
    const take = (read: Own) => {
      if (mine < reads.current.answered) return
      reads.current.answered = mine
      setOwn(read)
    }
    if (api.token === undefined) return take(nothing)
    const from = new Date(now() - 86_400_000).toISOString()
    const [bookings, entries] = await Promise.all([
      api.get<ListPage<ListedBooking>>(`…/bookings?from=${from}&limit=100`),
      api.get<ListPage<OwnWish>>(`…/waitlist?from=${from}&limit=100`),
    ])
    const wishes = entries.data.filter(({ status }) => status === "waiting" || status === "offered")
    const offered = new Set(wishes.map(({ offer }) => offer?.bookingId))
    const own = bookings.data.filter(({ id, status }) => isShown.has(status) && !offered.has(id))
    take({ own, wishes, isRead: true })
  }, [api])
  useEffect(() => void refreshOwn().catch(() => {}), [me, refreshOwn])

  const isOwn = useOwnChanges(own, me?.id)
  const follower = useFollower(api, facts, isKnown, me, {
    onOwn: () => void refreshOwn().catch(() => {}),
    onChanges: (all) => {
      const changes = all.filter((change) => !isOwn(change))
      const few = changes.slice(0, 2).map(({ court, slot }) => {
        const state = words[slot.status]
        return words.cell(court, hoursOf(facts, slot.startAt, slot.endAt), state)
      })
      if (changes.length > 0)
        speech.say(changes.length > 2 ? words.manyChanged(changes.length) : words.changed(few.join("; ")))
    },
    onBack: () => speech.say(words.back),
  })

  // What was told lasts until the person goes on.
  useEffect(() => setTold(""), [wanted, chosen, follower.date])

  const club: PageClub = {
    facts,
    words,
    language,
    writing: { ...facts, language },
    api,
    me,
    own,
    wishes,
    isOwnRead: isRead,
    refreshOwn,
    now,
    noteClock: (updatedAt) => {
      clock.current = Date.parse(updatedAt) - Date.now()
    },
    setLanguage,
    setMe,
    say: speech.say,
    tell: setTold,
    payFor: setPaying,
  }
  const hold = me && own.find((each) => each.status === "held" && each.bookerId === me.id && each.id !== paying?.id)
  const isAsked = isKnown && me === undefined && wanted !== "day"
  const notice = follower.isAway
    ? words.away
    : wasEnded
      ? words.signedOut
      : isAsked
        ? words.signInFor(viewNames(words)[wanted])
        : told
  return (
    <ClubContext value={club}>
      <TopBar view={view} isKnown={isKnown} onView={setView} onSignIn={() => setSigningIn(true)} />
      <div className={notice === "" ? "notice" : "notice shown"} role="status">
        {notice}
      </div>
      <main>
        {view === "day" && (
          <DayView
            day={follower.day}
            date={follower.date}
            isHidden={follower.isHidden}
            onChoose={setChosen}
            onDate={follower.show}
            onStep={(days) => follower.show(daysLater(follower.date, days))}
            onSignIn={() => setSigningIn(true)}
          />
        )}
        {me && view === "mine" && <Mine day={follower.day as ShownDay | undefined} onDay={() => setView("day")} />}
        {me && view === "messages" && <Messages />}
        {me && view === "account" && <AccountView onSignedOut={() => setView("day")} />}
      </main>
      {hold && chosen === undefined && <HoldBar hold={hold} onPay={() => setPaying(hold)} />}
      {chosen && (
        <BookSheet
          chosen={chosen}
          day={follower.day}
          onClose={() => setChosen(undefined)}
          onMine={() => setView("mine")}
        />
      )}
      {paying && !chosen && (
        <PaySheet hold={paying} onClose={() => setPaying(undefined)} onMine={() => setView("mine")} />
      )}
      {isSigningIn && <SignInSheet onClose={() => setSigningIn(false)} />}
      {speech.region}
    </ClubContext>
  )
}

interface Own {
  readonly own: readonly ListedBooking[]
  readonly wishes: readonly OwnWish[]
  readonly isRead: boolean
}
const nothing: Own = { own: [], wishes: [], isRead: false }

/** What stands, or may still come to stand. */
const isShown: ReadonlySet<string> = new Set(["held", "pending", "confirmed", "checked_in"])

const languageKey = "slotbase.language"

/** The language that was chosen on this device, else that of the page. */
function useLanguage(given: PageLanguage): [PageLanguage, (language: PageLanguage) => void] {
  const [language, set] = useState<PageLanguage>(() => {
    const kept = stored()
    return kept === "en" || kept === "de" ? kept : given
  })
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  return [
    language,
    (chosen) => {
      set(chosen)
      // Else the language of the address would come back with a reload.
      const address = new URL(location.href)
      if (address.searchParams.has("lang")) {
        address.searchParams.set("lang", chosen)
        history.replaceState(history.state, "", address)
      }
      try {
        localStorage.setItem(languageKey, chosen)
      } catch {
        // A frame may have no storage. The choice then lasts until the page is left.
      }
    },
  ]
}

function stored(): string | null {
  try {
    return new URLSearchParams(location.search).get("lang") ?? localStorage.getItem(languageKey)
  } catch {
    return null
  }
}
