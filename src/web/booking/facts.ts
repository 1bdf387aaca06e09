/** What the server tells the booking page at its first load, as JSON in the HTML. */
import type { ShownDay } from "./day.ts"
import type { LocalWriting, PageLanguage } from "./times.ts"

export interface PageFacts extends LocalWriting {
  readonly facility: {
    readonly id: string
    readonly name: string
    readonly timezone: string
    /** A role there counts here. */
    readonly organizationId: string | null
  }
  readonly language: PageLanguage
  /** The local day that is shown, YYYY-MM-DD, and the first and the last one that can be. */
  readonly date: string
  readonly firstDay: string
  readonly lastDay: string
  /** A single court; null: all. */
  readonly court: string | null
  /** Null: the facility shows its days to members alone. */
  readonly day: ShownDay | null
  readonly isEmbedded: boolean
  /** Stripe's publishable key; null: the local test cards, or no cards. */
  readonly stripeKey: string | null
  readonly testCards: readonly (readonly [token: string, label: string])[]
  /** The types of messages that concern somebody who only plays. */
  readonly kindsOfPlayers: readonly string[]
  /** The words for the types of messages, by language and type. */
  readonly messageKinds: Readonly<Record<PageLanguage, Readonly<Record<string, string>>>>
  /** The clock of the server, milliseconds: countdowns don't trust the clock of the device. */
  readonly now: number
}
