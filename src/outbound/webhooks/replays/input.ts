/** What is asked of a replay, with its limits, and what a preview answers. */
import * as Schema from "effect/Schema"
import { Instant } from "#base/schema/request-fields.ts"
import { rule } from "#base/schema/rule.ts"
import { facilityWebhookEvents } from "#events/catalogue.ts"

/** Deliveries a second, unless given: a small receiver bears it beside its own work. */
export const defaultReplayRate = 50
const maxReplayRate = 1_000

const optional = Schema.optionalKey
export const RatePerSecond = Schema.Int.annotate({
  description: `at most so many a second; ${defaultReplayRate} unless given`,
}).check(Schema.isBetween({ minimum: 1, maximum: maxReplayRate }))

interface TimeRange {
  readonly since?: string
  readonly until?: string
}
export const untilAfterSince = rule("`until` is after `since`", ({ since, until }: TimeRange) =>
  since === undefined || until === undefined || Date.parse(since) < Date.parse(until)
    ? undefined
    : { path: ["until"], issue: "Expected an instant after `since`" },
)

export const ReplayInput = Schema.Struct({
  since: optional(Instant).annotateKey({ description: "events recorded from then on; everything kept unless given" }),
  until: optional(Instant).annotateKey({ description: "before this instant; now unless given" }),
  types: optional(
    Schema.Array(Schema.Literals(facilityWebhookEvents)).check(
      Schema.isMinLength(1),
      Schema.isMaxLength(facilityWebhookEvents.length),
    ),
  ),
  onlyFailed: optional(Schema.Boolean).annotateKey({
    description:
      "failed deliveries are tried again, with all their retries, under their own numbers; nothing else is sent",
  }),
  includeUnsubscribed: optional(Schema.Boolean).annotateKey({
    description:
      "also events that the webhook never got and that its present configuration matches, such as those before it was made",
  }),
  preview: optional(Schema.Boolean).annotateKey({ description: "only count; nothing is sent" }),
  ratePerSecond: optional(RatePerSecond),
}).check(
  untilAfterSince,
  rule(
    "`onlyFailed` is not given together with `includeUnsubscribed`",
    ({ onlyFailed, includeUnsubscribed }: { onlyFailed?: boolean; includeUnsubscribed?: boolean }) =>
      onlyFailed && includeUnsubscribed
        ? {
            path: ["includeUnsubscribed"],
            issue: "Expected nothing or false beside `onlyFailed`: what was never sent has not failed",
          }
        : undefined,
  ),
)
export type ReplayInput = typeof ReplayInput.Type

const counted = { count: Schema.Int }
export const ReplayPreview = Schema.Struct({
  preview: Schema.Literal(true),
  matched: Schema.Int,
  complete: Schema.Boolean.annotate({ description: "false: there was more than a preview counts" }),
  byType: Schema.Array(Schema.Struct({ type: Schema.String, ...counted })),
  byDay: Schema.Array(Schema.Struct({ day: Schema.String.annotate({ description: "in UTC" }), ...counted })),
})
export type ReplayPreview = typeof ReplayPreview.Type
