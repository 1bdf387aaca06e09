/** The club's name, and the ways to the other parts of the page. */
import { Button } from "react-aria-components"
import { useClub } from "./club.ts"
import { useUnread } from "./messages.tsx"
import { type PageView, views } from "./use-view.ts"
import type { PageWords } from "./words.ts"

export interface TopBarProps {
  readonly view: PageView
  /** Whether it is known who is signed in. */
  readonly isKnown: boolean
  readonly onView: (view: PageView) => void
  readonly onSignIn: () => void
}

export const viewNames = (words: PageWords): Readonly<Record<PageView, string>> => ({
  day: words.day,
  mine: words.myBookings,
  messages: words.messages,
  account: words.account,
})

export function TopBar({ view, isKnown, onView, onSignIn }: TopBarProps) {
  const { facts, words, me, language, setLanguage } = useClub()
  const unread = useUnread()
  const names = viewNames(words)
  return (
    <header className="top">
      <p className="club">{facts.facility.name}</p>
      {me === undefined ? (
        <div className="ways">
          <Button className="way" onPress={() => setLanguage(language === "en" ? "de" : "en")}>
            <span lang={language === "en" ? "de" : "en"}>{language === "en" ? words.german : words.english}</span>
          </Button>
          {isKnown && (
            <Button className="way strong" onPress={onSignIn}>
              {words.signIn}
            </Button>
          )}
        </div>
      ) : (
        <nav className="ways" aria-label={facts.facility.name}>
          {views.map((each) => (
            <Button
              key={each}
              className="way"
              aria-current={view === each ? "page" : undefined}
              onPress={() => onView(each)}
            >
              {names[each]}
              {each === "messages" && unread > 0 && (
                <span className="count">
                  <span aria-hidden="true">{unread}</span>
                  <span className="unseen">{words.unread(unread)}</span>
                </span>
              )}
            </Button>
          ))}
        </nav>
      )}
    </header>
  )
}
