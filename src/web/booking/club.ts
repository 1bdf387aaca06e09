/** What every part of the page shares: the club, the words, the API, and who is signed in. */
import { createContext, useContext } from "react"
import type { ListedBooking, Me, OwnWish } from "./answers.ts"
import { type Api, Away, Refused } from "./api.ts"
import type { PageFacts } from "./facts.ts"
import type { LocalWriting, PageLanguage } from "./times.ts"
import type { PageWords } from "./words.ts"

export interface PageClub {
  readonly facts: PageFacts
  readonly words: PageWords
  readonly writing: LocalWriting
  readonly language: PageLanguage
  readonly api: Api
  readonly me: Me | undefined
  /** Their bookings from today on. */
  readonly own: readonly ListedBooking[]
  /** The wishes that wait or have an offer. The held booking of an offer is not among `own`. */
  readonly wishes: readonly OwnWish[]
  /** Whether both were read since the person signed in. */
  readonly isOwnRead: boolean
  /** Reads bookings and wishes anew. */
  readonly refreshOwn: () => Promise<void>
  /** The database's clock, milliseconds. */
  readonly now: () => number
  /** A booking of now tells the database's clock. */
  readonly noteClock: (updatedAt: string) => void
  readonly setLanguage: (language: PageLanguage) => void
  readonly setMe: (me: Me | undefined) => void
  /** Says a sentence to screen readers, politely. */
  readonly say: (text: string) => void
  /** Says a sentence to everybody, on the page, until they do something else. */
  readonly tell: (text: string) => void
  /** Goes to pay for a hold. */
  readonly payFor: (hold: ListedBooking) => void
}

export const ClubContext = createContext<PageClub | undefined>(undefined)

export function useClub(): PageClub {
  const club = useContext(ClubContext)
  if (club === undefined) throw new Error("outside of the page")
  return club
}

/** Why something did not work, in the reader's words. */
export function faultWords({ words, language }: Pick<PageClub, "words" | "language">, error: unknown): string {
  if (error instanceof Away) return words.noNetwork
  if (!(error instanceof Refused)) return words.somethingWrong
  if (error.code === "not_authenticated") return words.signedOut
  const own = words.refusals[error.code]
  if (own !== undefined) return own
  return (language === "en" && error.message) || words.somethingWrong
}

/** Whether the person may book here: by a role in the facility, in its organization, or on the platform. */
export const isMember = (me: Me, { id, organizationId }: PageFacts["facility"]): boolean =>
  me.roles.some(({ scopeType, scopeId }) => scopeType === "platform" || scopeId === id || scopeId === organizationId)
