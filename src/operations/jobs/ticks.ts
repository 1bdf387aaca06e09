/** When a cron expression ticks: computed by the library with which pg-boss computes it, so that both mean the same. */
import { CronExpressionParser } from "cron-parser"

/**
 * The next ticks after an instant. Across a clock change a tick at an hour that does not exist comes when that hour would
 * have begun, and one at an hour that comes twice comes once.
 * @param cron five fields; @param timezone IANA zone in which they are read.
 */
export function nextTicks(cron: string, timezone: string, after: Date, count: number): Date[] {
  const expression = CronExpressionParser.parse(cron, { tz: timezone, currentDate: after })
  return expression.take(count).map((tick) => tick.toDate())
}
