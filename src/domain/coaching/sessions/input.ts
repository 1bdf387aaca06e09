/**
 * The input of a coach session, in one of two forms:
 * - With a `blockId` the session is held inside a coach's block, with the resource, coach and booking of the block.
 * - Without a `blockId` it is a lesson that is booked and sold.
 */
import * as Schema from "effect/Schema"
import { Id, Instant, Money, WrittenNote } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { lineUpTo } from "#base/schema/text-fields.ts"
import {
  BookingDiscount,
  type BookingInput,
  maxParticipants,
  minBookingMinutes,
  PaymentMethod,
} from "#domain/booking/input.ts"

const maxTypeLength = 60
const minuteMs = 60_000

const wanted = {
  blockId: Schema.optionalKey(Id).annotateKey({ description: "the approved block inside which it is held" }),
  resourceId: Schema.optionalKey(Id).annotateKey({ description: "required without a blockId, none with one" }),
  startAt: Schema.optionalKey(Instant).annotateKey({
    description: "required without a blockId; inside a block with endAt, or the whole block when both are left out",
  }),
  endAt: Schema.optionalKey(Instant),
  sessionType: lineUpTo(maxTypeLength).annotate({ description: 'such as "private" or "group"' }),
  students: Schema.Array(Id).check(Schema.isMinLength(1), Schema.isMaxLength(maxParticipants)),
  coachId: Schema.optionalKey(Id).annotateKey({
    description: "coaches leave it out; staff and API keys name the coach; none with a blockId",
  }),
  bookerId: Schema.optionalKey(Id).annotateKey({
    description:
      "the booker and payer: the coach unless given; coaches may name a student or a student's parent; none with a blockId",
  }),
  paymentMethod: Schema.optionalKey(PaymentMethod).annotateKey({
    description: "required without a blockId, none with one; waived is for staff and API keys",
  }),
  priceAmount: Schema.optionalKey(Money).annotateKey({
    description:
      "the resource's price and the coach's rate unless given; a coach may not go below the resource's price",
  }),
  discount: Schema.optionalKey(BookingDiscount).annotateKey({ description: "on the whole price; none with a blockId" }),
} as const

type Wanted = Schema.Struct<typeof wanted>["Type"]

/** A Schema of one Struct, so that faults name their field. The faults of a union would name both forms. */
export const SessionInput = Schema.Struct(wanted).check(
  rule(
    "a session has a blockId, or what a booking needs (resourceId, startAt, endAt, paymentMethod); its times are whole minutes, and each student is named once",
    (input: Wanted) => [...repeated(input.students), ...faultsOfForm(input)],
  ),
)
export type SessionInput = typeof SessionInput.Type

export const CompleteInput = Schema.Struct({
  attendedStudents: Schema.optionalKey(
    Schema.Array(Id)
      .check(Schema.isMaxLength(maxParticipants))
      .annotate({ description: "the students who came; left out: as recorded before" }),
  ),
})
export const AttendanceInput = Schema.Struct({
  attendance: Schema.Array(Schema.Struct({ userId: Id, attended: Schema.Boolean })).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(maxParticipants),
  ),
})
export const CancelSessionInput = Schema.Struct({ cancellationReason: WrittenNote })

/** The booking of a lesson, as before hooks see it. */
export const bookingOfSession = (
  { resourceId, startAt, endAt, students, paymentMethod }: SessionInput,
  bookerId: string,
) => ({
  resourceId,
  startAt,
  endAt,
  bookingType: "lesson",
  bookerId,
  participants: students.map((userId) => ({ userId, role: "student" })),
  paymentMethod,
})

/** The booking that before hooks may leave: still a lesson with students. */
export const LessonBooking = Schema.Struct({
  resourceId: Id,
  startAt: Instant,
  endAt: Instant,
  bookingType: Schema.Literal("lesson"),
  bookerId: Id,
  participants: Schema.Array(Schema.Struct({ userId: Id, role: Schema.Literal("student") })).check(
    Schema.isMinLength(1),
  ),
  paymentMethod: PaymentMethod,
})

/** The ids of the students of a lesson's booking, in lower case. */
export const studentsOf = ({ participants = [] }: BookingInput): string[] =>
  participants.map(({ userId }) => userId.toLowerCase())

function faultsOfForm(input: Wanted) {
  if (input.blockId === undefined) return missing(input, ["resourceId", "startAt", "endAt", "paymentMethod"])
  const surplus = (["resourceId", "coachId", "bookerId", "paymentMethod", "priceAmount", "discount"] as const)
    .filter((name) => input[name] !== undefined)
    .map((name) => ({
      path: [name],
      issue: "must be left out: a session inside a block has the block's, and is not sold",
    }))
  if (input.startAt === undefined && input.endAt === undefined) return surplus
  const { startAt, endAt } = input
  if (startAt === undefined || endAt === undefined) return [...surplus, ...missing(input, ["startAt", "endAt"])]
  return [...surplus, ...faultsOfTimes(Date.parse(startAt), Date.parse(endAt))]
}

const missing = (input: Wanted, names: readonly (keyof Wanted)[]) =>
  names.filter((name) => input[name] === undefined).map((name) => ({ path: [name], issue: "Missing key" }))

function faultsOfTimes(start: number, end: number) {
  if (start % minuteMs !== 0) return [{ path: ["startAt"], issue: "must be a whole minute" }]
  if (end % minuteMs !== 0) return [{ path: ["endAt"], issue: "must be a whole minute" }]
  if (end - start < minBookingMinutes * minuteMs)
    return [{ path: ["endAt"], issue: `must be at least ${minBookingMinutes} minutes after startAt` }]
  return []
}

const repeated = (students: readonly string[]) =>
  students.flatMap((userId, i) =>
    students.findIndex((other) => other.toLowerCase() === userId.toLowerCase()) < i
      ? [{ path: ["students", i], issue: "is named twice" }]
      : [],
  )
