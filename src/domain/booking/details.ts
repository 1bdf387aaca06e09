/**
 * The title, the note and the answers of a booking: how they are checked when it is made, and how they are changed. The
 * booker and staff read them; participants and events do not. A change never moves a booking.
 */
import type { Member } from "#access/caller.ts"
import type { Tx } from "#base/database/transaction.ts"
import { RuleBroken, WrongState } from "#base/errors.ts"
import { noteChange } from "#events/audit.ts"
import { type Booking, toBooking } from "./answer.ts"
import type { BookingRow, KeptAnswer, LockedBooking } from "./booking-row.ts"
import { recordDetailsChanged } from "./change-events.ts"
import type { DetailsInput, GivenDetails } from "./details-input.ts"
import { lockOwn } from "./lock-own.ts"
import { type Question, questionsOf } from "./questions.ts"
import { writeDetails } from "./rows.ts"

export type Details = Pick<BookingRow, "title" | "note" | "answers">

/**
 * The details of a new booking.
 * @param mustAnswer whether required questions must be answered: members must
 * @throws RuleBroken question_unknown, answer_not_allowed, question_unanswered
 */
export function detailsOf(
  { title, note, answers = [] }: GivenDetails,
  questions: readonly Question[],
  bookingType: string,
  mustAnswer: boolean,
): Details {
  const asked = askedFor(questions, bookingType)
  const kept = keptAnswers(answers, asked)
  if (mustAnswer) requireAnswers(kept, asked)
  return { title: title ?? null, note: note || null, answers: kept }
}

/**
 * Changes what the request names: the booker until the booking ends, staff also later. Records booking.details_changed;
 * without a difference nothing is recorded.
 * @throws NotFound, NotAllowed, WrongState (booking_over, booking_is_coach_block)
 * @throws RuleBroken question_unknown, answer_not_allowed, question_unanswered
 */
export async function changeDetails(tx: Tx, member: Member, bookingId: string, input: DetailsInput): Promise<Booking> {
  const booking = await lockOwn(tx, member, bookingId)
  requireOpen(member, booking)
  const details: Details = {
    title: input.title === undefined ? booking.title : input.title,
    note: input.note === undefined ? booking.note : input.note || null,
    answers: input.answers === undefined ? booking.answers : await changedAnswers(tx, member, booking, input.answers),
  }
  const changed = names.filter((name) => !Bun.deepEquals(booking[name], details[name]))
  if (changed.length === 0) {
    noteChange(tx, "nothing")
    return toBooking(booking)
  }
  const after = await writeDetails(tx, booking, details)
  recordDetailsChanged(tx, after, changed, member.caller.userId, booking.now)
  // The trail says what was changed. Notes and answers are personal, and the trail outlives them.
  noteChange(tx, { after: { changed } })
  return toBooking(after)
}

/** The details that come with the acceptance of an offer: nobody was asked before. Throws as `detailsOf`. */
export async function addDetails(
  tx: Tx,
  member: Member,
  booking: LockedBooking,
  given: GivenDetails,
): Promise<LockedBooking> {
  const questions = await questionsOf(tx, booking.facility_id)
  const details = detailsOf(given, questions, booking.booking_type, !member.isStaff)
  if (names.every((name) => Bun.deepEquals(booking[name], details[name]))) return booking
  return { ...(await writeDetails(tx, booking, details)), now: booking.now }
}

const names = ["title", "note", "answers"] as const

const over = new Set(["completed", "cancelled", "no_show", "expired", "released"])

function requireOpen(member: Member, { status, end_at, now }: LockedBooking): void {
  if (member.isStaff || (!over.has(status) && end_at > now)) return
  throw new WrongState("booking_over", "The booking is over; only staff can change what it says.")
}

async function changedAnswers(
  tx: Tx,
  member: Member,
  booking: LockedBooking,
  given: NonNullable<DetailsInput["answers"]>,
): Promise<readonly KeptAnswer[]> {
  const asked = askedFor(await questionsOf(tx, booking.facility_id), booking.booking_type)
  const written = given.flatMap(({ questionId, answer }) => (answer === null ? [] : [{ questionId, answer }]))
  const named = new Set(given.map(({ questionId }) => questionId))
  const kept = booking.answers.filter(({ questionId }) => !named.has(questionId))
  const answers = [...kept, ...keptAnswers(written, asked)]
  // A question that came later is not asked anew; one that was answered stays answered.
  const taken = asked.filter(({ id }) => named.has(id))
  if (!member.isStaff) requireAnswers(answers, taken)
  return inOrder(answers, asked)
}

const askedFor = (questions: readonly Question[], bookingType: string) =>
  questions.filter(
    ({ bookingTypes }) => bookingTypes === undefined || bookingTypes.some((type) => type === bookingType),
  )

function keptAnswers(answers: NonNullable<GivenDetails["answers"]>, asked: readonly Question[]): readonly KeptAnswer[] {
  const kept = answers.map(({ questionId, answer }, i) => {
    const question = asked.find(({ id }) => id === questionId)
    if (!question) {
      throw new RuleBroken("question_unknown", `The club asks no question "${questionId}" for such a booking.`, [
        { path: `body.answers.${i}.questionId`, message: "names no question" },
      ])
    }
    const expected = expectedOf(question)
    if (!isAnswerTo(question, answer)) {
      throw new RuleBroken("answer_not_allowed", `"${question.label}" is answered with ${expected}.`, [
        { path: `body.answers.${i}.answer`, message: `must be ${expected}` },
      ])
    }
    return { questionId, label: question.label, answer }
  })
  return inOrder(kept, asked)
}

function requireAnswers(answers: readonly KeptAnswer[], asked: readonly Question[]): void {
  const open = asked.filter(({ id, required }) => required && !answers.some(({ questionId }) => questionId === id))
  if (open.length === 0) return
  const labels = open.map(({ id, label }) => `"${label}" (${id})`).join(", ")
  throw new RuleBroken("question_unanswered", `The club asks its members: ${labels}.`, [
    { path: "body.answers", message: `must answer ${open.map(({ id }) => id).join(", ")}` },
  ])
}

function isAnswerTo({ type, choices = [] }: Question, answer: KeptAnswer["answer"]): boolean {
  if (type === "yes_no") return typeof answer === "boolean"
  if (type === "number") return typeof answer === "number"
  return typeof answer === "string" && (type === "text" || choices.includes(answer))
}

function expectedOf({ type, choices = [] }: Question): string {
  if (type === "yes_no") return "true or false"
  if (type === "number") return "a number"
  return type === "text" ? "a text" : `one of ${choices.map((choice) => `"${choice}"`).join(", ")}`
}

/** In the order of the questions; answers to former questions come first. */
const inOrder = (answers: readonly KeptAnswer[], asked: readonly Question[]): readonly KeptAnswer[] =>
  answers.toSorted((a, b) => placeOf(a, asked) - placeOf(b, asked))
const placeOf = ({ questionId }: KeptAnswer, asked: readonly Question[]) =>
  asked.findIndex(({ id }) => id === questionId)
