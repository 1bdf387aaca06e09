/** What an agent has to know of feedback before it works on it: the words, the sports, and whether they may leave. */
import type { Queryable } from "#base/database/db.ts"
import type { TokenPrices } from "#base/token-prices.ts"
import { agentSettingsOf } from "#domain/agents/settings.ts"

export interface AboutFeedback {
  readonly feedbackId: string
  readonly sessionId: string
  readonly text: string
  readonly skillsWorked: readonly string[]
  readonly isPublished: boolean
  /** The student's names: they do not leave the system. */
  readonly firstName: string
  readonly lastName: string
  readonly isChild: boolean
  readonly sports: readonly string[]
  /** Photos and videos: no agent looks at them. */
  readonly unseenFiles: number
  readonly mayLeave: boolean
  /** What services may cost in a month, and in which currency; null: tokens alone count. */
  readonly monthlyAmount: number | null
  readonly currency: string
}

/** Why a service cannot be asked although words may leave: its price is not known, and the budget is in money. */
export const whyNoPrice = ({ monthlyAmount, currency }: AboutFeedback, prices: TokenPrices): string | undefined =>
  monthlyAmount === null || prices[currency] !== undefined
    ? undefined
    : `The budget is in money, and no price of the service is configured in ${currency}.`

/** Undefined: there is no such feedback any more. A child has a parent here, or an account that a parent manages. */
export async function aboutFeedback(
  db: Queryable,
  facilityId: string,
  feedbackId: string,
): Promise<AboutFeedback | undefined> {
  const [row] = await db<Omit<AboutFeedback, "mayLeave" | "monthlyAmount" | "currency">[]>`
    select f.id as "feedbackId", f.session_id as "sessionId", f.text, f.skills_worked as "skillsWorked",
           f.published_at is not null as "isPublished", u.first_name as "firstName", u.last_name as "lastName",
           (u.managed_by is not null or exists (select from slotbase.child_links l where l.child_id = u.id)) as "isChild",
           c.sport_types as sports,
           (select count(*) from slotbase.media m
            where m.feedback_id = f.id and m.facility_id = f.facility_id and m.media_type <> 'audio')::integer as "unseenFiles"
    from slotbase.feedback f
    join slotbase.users u on u.id = f.student_id
    join slotbase.facilities c on c.id = f.facility_id
    where f.id = ${feedbackId} and f.facility_id = ${facilityId}`
  if (!row) return undefined
  const { whoseWords, monthlyAmount, currency } = await agentSettingsOf(db, facilityId)
  const mayLeave = whoseWords === "everybody" || (whoseWords === "adults" && !row.isChild)
  return { ...row, mayLeave, monthlyAmount, currency }
}

/** In the place of the student's name in what leaves. */
const placeholder = "{player}"

/**
 * The text without the student's names: the whole ones, and each part of them, such as Anna of Anna-Maria. A part that
 * is no name by itself, such as "van", stays.
 */
export function withoutNames(text: string, { firstName, lastName }: Named): string {
  const whole = [`${firstName} ${lastName}`, firstName, lastName].filter((name) => name.trim().length > 1)
  const parts = `${firstName} ${lastName}`.split(/[\s-]+/).filter((part) => /^\p{Lu}.{2}/u.test(part))
  return [...whole, ...parts].reduce(
    (left, name) => left.replace(wholeWord(name.normalize("NFC")), placeholder),
    text.normalize("NFC"),
  )
}

/** The text with the student's first name again. */
export const withName = (text: string, { firstName }: Named): string => text.replaceAll(placeholder, () => firstName)

type Named = Pick<AboutFeedback, "firstName" | "lastName">

/** Also as a possessive, with or without an apostrophe: Mias Aufschlag, Mia's serve. The ending stays. */
const wholeWord = (name: string) =>
  new RegExp(`(?<![\\p{L}\\p{N}])${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?=s?(?![\\p{L}\\p{N}]))`, "giu")
