/**
 * The club's own questions: what it asks its members when they book. Answers are checked against the questions of that
 * moment, and kept with their wording. Later changes of the questions change no booking. Staff and API keys may leave
 * any answer out.
 * Writes: booking_questions.
 */
import * as Schema from "effect/Schema"
import type { Admin, Member } from "#access/caller.ts"
import type { Queryable } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { Id } from "#base/schema/request-fields.ts"
import { rule, saidRule } from "#base/schema/rule.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import { isFacility } from "#domain/club/facilities.ts"
import { noteChange } from "#events/audit.ts"
import { record } from "#events/outbox.ts"
import { maxQuestions, QuestionId } from "./details-input.ts"
import { BookingType } from "./input.ts"

const maxLabelLength = 200
const maxChoices = 20
const maxChoiceLength = 100

export const Question = Schema.Struct({
  id: QuestionId.annotateKey({ description: "chosen by the club; answers name it" }),
  label: lineUpTo(maxLabelLength),
  type: Schema.Literals(["text", "choice", "yes_no", "number"]),
  required: Schema.Boolean.annotateKey({ description: "members must answer it" }),
  choices: Schema.optionalKey(
    Schema.Array(lineUpTo(maxChoiceLength)).check(
      Schema.isMinLength(1),
      Schema.isMaxLength(maxChoices),
      Schema.isUnique(),
    ),
  ).annotateKey({ description: "of the type choice" }),
  bookingTypes: Schema.optionalKey(
    Schema.Array(BookingType).check(Schema.isMinLength(1), Schema.isMaxLength(20), Schema.isUnique()),
  ).annotateKey({ description: "asked for bookings of these types; of all unless given" }),
}).check(
  saidRule(
    {
      oneOf: [
        { properties: { type: { const: "choice" } }, required: ["choices"] },
        { properties: { type: { not: { const: "choice" } } }, not: { required: ["choices"] } },
      ],
    },
    ({ type, choices }: { readonly type: string; readonly choices?: unknown }) =>
      (type === "choice") === (choices !== undefined)
        ? []
        : [{ path: ["choices"], issue: type === "choice" ? "Missing key" : "is for the type choice" }],
  ),
)
export type Question = typeof Question.Type

export const QuestionsInput = Schema.Struct({
  questions: Schema.Array(Question)
    .annotate({ description: "in the order in which they are asked" })
    .check(
      Schema.isMaxLength(maxQuestions),
      rule("each question has an id of its own", (questions: readonly { readonly id: string }[]) =>
        questions.flatMap(({ id }, i) =>
          questions.findIndex((other) => other.id === id) < i ? [{ path: [i, "id"], issue: "is named twice" }] : [],
        ),
      ),
    ),
})

export const BookingQuestions = Schema.Struct({
  facilityId: Id,
  questions: Schema.Array(Question),
  updatedAt: Schema.NullOr(Schema.String).annotate({ description: "null: never written, nothing is asked" }),
}).annotate({ identifier: "BookingQuestions" })
export type BookingQuestions = typeof BookingQuestions.Type

/** For every member: they answer the questions. Throws NotFound. */
export async function getQuestions(db: Queryable, { facilityId }: Member): Promise<BookingQuestions> {
  const row = await findQuestions(db, facilityId)
  if (!row && !(await isFacility(db, facilityId))) throw new NotFound("facility", facilityId)
  return viewOf(facilityId, row)
}

/**
 * Replaces the questions. Records facility.settings_updated; without a difference nothing is recorded. Bookings keep
 * their answers. Throws NotFound.
 */
export async function putQuestions(
  tx: Tx,
  { caller, facilityId }: Admin,
  { questions }: typeof QuestionsInput.Type,
): Promise<BookingQuestions> {
  if (!(await isFacility(tx, facilityId))) throw new NotFound("facility", facilityId)
  await tx`
    insert into slotbase.booking_questions (facility_id, questions) values (${facilityId}, '[]')
    on conflict do nothing`
  const [row] = await tx<QuestionsRow[]>`
    select questions, updated_at from slotbase.booking_questions where facility_id = ${facilityId} for update`
  const before = row?.questions ?? []
  if (Bun.deepEquals(before, questions)) {
    noteChange(tx, "nothing")
    return viewOf(facilityId, row)
  }
  const [written] = await tx<QuestionsRow[]>`
    update slotbase.booking_questions set questions = ${tx.json(questions as never)}, updated_at = slotbase.now()
    where facility_id = ${facilityId}
    returning questions, updated_at`
  record(tx, {
    type: "facility.settings_updated",
    facilityId,
    data: { facilityId, changedSettings: ["bookingQuestions"], changedBy: caller.userId },
  })
  noteChange(tx, { before: { questions: before }, after: { questions } })
  return viewOf(facilityId, written)
}

/** The present questions of a facility. */
export async function questionsOf(db: Queryable, facilityId: string): Promise<readonly Question[]> {
  return (await findQuestions(db, facilityId))?.questions ?? []
}

interface QuestionsRow {
  readonly questions: readonly Question[]
  /** Null: the row was made to be locked. */
  readonly updated_at: Date | null
}

async function findQuestions(db: Queryable, facilityId: string): Promise<QuestionsRow | undefined> {
  const [row] = await db<QuestionsRow[]>`
    select questions, updated_at from slotbase.booking_questions where facility_id = ${facilityId}`
  return row
}

const viewOf = (facilityId: string, row: QuestionsRow | undefined): BookingQuestions => ({
  facilityId,
  questions: row?.questions ?? [],
  updatedAt: row?.updated_at?.toISOString() ?? null,
})
