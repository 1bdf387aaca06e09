// Whether the campaign has reached every crash point. A point that is not reached proves nothing, so it must be exempt
// by name, with the reason.

import {
  type billingPoints,
  type CrashPoint,
  type calendarPoints,
  crashPoints,
  type mediaPoints,
  type retentionPoints,
} from "#base/crash-points.ts"

const byRetentionTest = "A month is removed after more than a year. Its own test kills there (retention.test.ts)."
const byCalendarTest =
  "The campaign has no calendar server. Its own test kills there (test/actors/calendars/long/kills.ts)."
const byBillingTest = "A month is billed at its end. Its own test kills there (monthly-billing.test.ts)."
const byMediaTest =
  "The work on media needs files. Their own tests kill there (kills.test.ts and upload-kills.test.ts)."

type ExemptPoint =
  | (typeof retentionPoints)[number]
  | (typeof billingPoints)[number]
  | (typeof mediaPoints)[number]
  | (typeof calendarPoints)[number]

/** The points that the campaign never reaches, and why. */
export const exemptPoints: Readonly<Record<ExemptPoint, string>> = {
  "media-claimed": byMediaTest,
  "media-form-made": byMediaTest,
  "media-form-stored": byMediaTest,
  "media-form-kept": byMediaTest,
  "media-made": byMediaTest,
  "media-settled": byMediaTest,
  "upload-part-stored": byMediaTest,
  "upload-part-kept": byMediaTest,
  "upload-joined": byMediaTest,
  "upload-whole": byMediaTest,
  "calendar-claimed": byCalendarTest,
  "calendar-entry-written": byCalendarTest,
  "calendar-entry-removed": byCalendarTest,
  "calendar-entry-settled": byCalendarTest,
  "calendar-page-kept": byCalendarTest,
  "calendar-pulled": byCalendarTest,
  "calendar-in-step": byCalendarTest,
  "month-named": byRetentionTest,
  "month-dead-lettered": byRetentionTest,
  "log-forgotten": byRetentionTest,
  "partition-detached": byRetentionTest,
  "detached-dead-lettered": byRetentionTest,
  "partition-dropped": byRetentionTest,
  "month-ended": byRetentionTest,
  "bill-issued": byBillingTest,
  "account-billed": byBillingTest,
}

/** The points at which no process died, and that are not exempt. */
export function unreachedPoints(
  lines: readonly { readonly fault: string; readonly killedThere: number | undefined }[],
): readonly CrashPoint[] {
  const reached = new Set(lines.filter(({ killedThere = 0 }) => killedThere > 0).map(({ fault }) => fault))
  return (Object.keys(crashPoints) as CrashPoint[]).filter((point) => !reached.has(point) && !(point in exemptPoints))
}
