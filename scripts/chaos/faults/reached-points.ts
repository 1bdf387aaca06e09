// Whether the campaign has reached every crash point. A point that is not reached proves nothing, so it must be exempt
// by name, with the reason.

import { type CrashPoint, crashPoints, type retentionPoints } from "#base/crash-points.ts"

const byRetentionTest = "A month is removed after more than a year. Its own test kills there (retention.test.ts)."

/** The points that the campaign never reaches, and why. */
export const exemptPoints: Readonly<Record<(typeof retentionPoints)[number], string>> = {
  "month-named": byRetentionTest,
  "month-dead-lettered": byRetentionTest,
  "log-forgotten": byRetentionTest,
  "partition-detached": byRetentionTest,
  "detached-dead-lettered": byRetentionTest,
  "partition-dropped": byRetentionTest,
  "month-ended": byRetentionTest,
}

/** The points at which no process died, and that are not exempt. */
export function unreachedPoints(
  lines: readonly { readonly fault: string; readonly killedThere: number | undefined }[],
): readonly CrashPoint[] {
  const reached = new Set(lines.filter(({ killedThere = 0 }) => killedThere > 0).map(({ fault }) => fault))
  return (Object.keys(crashPoints) as CrashPoint[]).filter((point) => !reached.has(point) && !(point in exemptPoints))
}
