/** What people say about a booking: its title, its note, and the answers to the club's questions. The requests. */
import * as Schema from "effect/Schema"
import { rule, saidRule } from "#base/schema/rule.ts"
import { atLeast, linesUpTo, lineUpTo } from "#base/schema/text-fields.ts"

/** More questions than anybody answers before a game. */
export const maxQuestions = 20
const maxTitleLength = 120
const maxNoteLength = 1_000
const maxAnswerLength = 300
const greatestNumber = 1_000_000_000

/** Short names, chosen by the club: answers name their question by it. */
export const QuestionId = Schema.String.annotate({ examples: ["shirt-size"] }).check(
  Schema.isPattern(/^[a-z][a-z0-9_-]{0,39}$/u, { expected: 'a short name such as "shirt-size"' }),
)
export const AnswerValue = Schema.Union([
  linesUpTo(maxAnswerLength).check(atLeast(1)),
  Schema.Boolean,
  Schema.Finite.check(Schema.isBetween({ minimum: -greatestNumber, maximum: greatestNumber })),
]).annotate({ description: "a text or one of the choices, true or false, or a number, as the question's type says" })

const Title = lineUpTo(maxTitleLength)
const Note = linesUpTo(maxNoteLength)
const answeredOnce = rule("each question is answered once", (answers: readonly { readonly questionId: string }[]) =>
  answers.flatMap(({ questionId }, i) =>
    answers.findIndex((other) => other.questionId === questionId) < i
      ? [{ path: [i, "questionId"], issue: "is answered twice" }]
      : [],
  ),
)

/** The fields of each request that makes a booking. */
export const detailFields = {
  title: Schema.optionalKey(Title),
  note: Schema.optionalKey(Note).annotateKey({ description: "for the booker and the staff" }),
  answers: Schema.optionalKey(
    Schema.Array(Schema.Struct({ questionId: QuestionId, answer: AnswerValue })).check(
      Schema.isMaxLength(maxQuestions),
      answeredOnce,
    ),
  ).annotateKey({
    description: "to the questions of GET …/booking-questions; members answer the required ones",
  }),
} as const

export type GivenDetails = Partial<{
  readonly title: string
  readonly note: string
  readonly answers: readonly { readonly questionId: string; readonly answer: typeof AnswerValue.Type }[]
}>

/** Changes what it names, and nothing else. */
export const DetailsInput = Schema.Struct({
  title: Schema.optionalKey(Schema.NullOr(Title)),
  note: Schema.optionalKey(Schema.NullOr(Note)),
  answers: Schema.optionalKey(
    Schema.Array(Schema.Struct({ questionId: QuestionId, answer: Schema.NullOr(AnswerValue) })).check(
      Schema.isMaxLength(maxQuestions),
      answeredOnce,
    ),
  ).annotateKey({
    description: "changes the answers to these questions, and keeps the others; null takes an answer back",
  }),
}).check(
  saidRule(
    { anyOf: ["title", "note", "answers"].map((name) => ({ required: [name] })) },
    (input: { readonly title?: unknown; readonly note?: unknown; readonly answers?: unknown }) =>
      input.title === undefined && input.note === undefined && input.answers === undefined
        ? [{ path: ["title"], issue: "name a title, note or answers to change" }]
        : [],
  ),
)
export type DetailsInput = typeof DetailsInput.Type
