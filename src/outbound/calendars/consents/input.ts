/** What is asked for a consent to reach a calendar, and what is answered. */
import * as Schema from "effect/Schema"
import { Id, Instant } from "#base/schema/request-fields.ts"

export const CalendarConsentInput = Schema.Struct({
  provider: Schema.Literals(["google", "outlook"]),
})
export type CalendarConsentInput = typeof CalendarConsentInput.Type

export const CalendarConsent = Schema.Struct({
  id: Id,
  provider: Schema.Literals(["google", "outlook"]),
  url: Schema.String.annotate({ description: "the consent page; open it in the person's own browser" }),
  expiresAt: Instant.annotate({ description: "until when the page must have been answered" }),
}).annotate({ identifier: "CalendarConsent" })
export type CalendarConsent = typeof CalendarConsent.Type
