/**
 * The rules that the Saturday must show. Each is written down once, with a request, its answer, and what was found. A
 * rule that does not bite, or finds something else than it should, makes the demo fail.
 */
export const rules = [
  "agreed price",
  "tax of a price line",
  "coach in one place",
  "least length",
  "start grid",
  "buffer",
  "limit per person",
  "title and note",
  "question of the club",
  "change of a series",
  "standing order",
  "waitlist",
  "least amount of a card",
  "currency in use",
  "import of members",
  "list of members",
  "invitation",
  "forgotten password",
  "sessions",
  "end by the clock",
  "range of a list",
  "amount that can be moved",
  "skipped hour",
  "zone data",
  "request without a decision",
  "forfeited money",
  "pause after a hold",
  "closed over a booking",
  "undone no-show",
  "credit and debt",
] as const
export type DemoRule = (typeof rules)[number]

export interface Answered {
  readonly status: number
  /** Of a problem document. */
  readonly code: string | undefined
}

export interface Bite {
  readonly rule: DemoRule
  /** What was asked, in words. */
  readonly asked: string
  readonly answer: Answered
  /** What was found, and what is right. */
  readonly found: unknown
  readonly right: unknown
  /** What the rule says here, in words. */
  readonly why: string
}

export interface RuleBook {
  readonly bites: (bite: Bite) => void
  /** The rules that have not bitten as they should. */
  readonly missing: () => readonly DemoRule[]
}

export function openRuleBook(say: (line: string) => void): RuleBook {
  const wrong = new Set<DemoRule>()
  const seen = new Set<DemoRule>()
  return {
    bites({ rule, asked, answer, found, right, why }) {
      const isRight = Bun.deepEquals(found, right, true)
      seen.add(rule)
      if (!isRight) wrong.add(rule)
      const outcome = answer.code ? `${answer.status} ${answer.code}` : String(answer.status)
      const fault = isRight ? "" : ` · WRONG: found ${JSON.stringify(found)}, right is ${JSON.stringify(right)}`
      say(`  rule: ${rule} · ${asked} · ${outcome} · ${why}${fault}`)
    },
    missing: () => rules.filter((rule) => !seen.has(rule) || wrong.has(rule)),
  }
}
