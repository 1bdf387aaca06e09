/** The fields of the booking policy that limit what one member may hold, and how often. */
import * as Schema from "effect/Schema"
import { Name } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { weekdays } from "#base/weekdays.ts"
import { ClosingTime, LocalTime } from "#domain/club/opening-hours.ts"

/** More limits than a club could explain to its members. */
const maxLimits = 20
/** So many bookings are a wall, not a limit. */
const maxAtMost = 100
const maxPauseMinutes = 7 * 24 * 60

/** The roles of members who are not staff. */
const LimitedRole = Schema.Literals(["coach", "player", "parent"])

const Weekdays = Schema.Array(Schema.Literals(weekdays)).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(weekdays.length),
  Schema.isUnique(),
)

const PrimeTime = Schema.Struct({
  weekdays: Weekdays,
  fromTime: LocalTime,
  toTime: ClosingTime,
}).check(
  rule("prime time ends after it begins", ({ fromTime, toTime }: { fromTime: string; toTime: string }) =>
    fromTime < toTime
      ? []
      : [{ path: ["toTime"], issue: `must be after fromTime (${fromTime}); a night needs two limits` }],
  ),
)
export type PrimeTime = typeof PrimeTime.Type

const MemberLimit = Schema.Struct({
  name: Name.annotate({ description: "a refusal names it" }),
  per: Schema.Literals(["live", "moment", "day", "week"]).annotate({
    description: "live: that are not over yet; moment: at the same time; day, week: that start in it, by local days",
  }),
  atMost: Schema.Int.annotate({ description: "bookings of one person; 0: none" }).check(
    Schema.isBetween({ minimum: 0, maximum: maxAtMost }),
  ),
  roles: Schema.optionalKey(
    Schema.Array(LimitedRole).check(
      Schema.isMinLength(1),
      Schema.isMaxLength(LimitedRole.literals.length),
      Schema.isUnique(),
    ),
  ).annotateKey({
    description: "binds people whose highest role in the facility is one of these; left out: all members",
  }),
  primeTime: Schema.optionalKey(PrimeTime).annotateKey({
    description: "only bookings count that touch this part of the week; left out: all bookings",
  }),
})
export type MemberLimit = typeof MemberLimit.Type

export const MemberLimits = Schema.Array(MemberLimit)
  .annotate({ description: "what one member may hold; all limits that bind a member hold together" })
  .check(
    Schema.isMaxLength(maxLimits),
    rule("each limit has a name of its own", (limits: readonly { readonly name: string }[]) =>
      limits.flatMap(({ name }, i) =>
        limits.findIndex((other) => other.name === name) < i ? [{ path: [i, "name"], issue: "is named twice" }] : [],
      ),
    ),
  )

export const WeekStartsOn = Schema.Literals(weekdays).annotate({
  description: "the first day of a local week of memberLimits; monday unless given",
})

export const HoldPauseMinutes = Schema.NullOr(
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxPauseMinutes })),
).annotate({
  description:
    "how long a member who kept a time and did not book it leaves it to others; null: as long as a hold lasts; 0: no pause",
})
