/** The ticks of a cron expression, computed by the same library as in pg-boss, so that both agree. */
import { CronExpressionParser } from "cron-parser"

/**
 * The next ticks after an instant. Two rules hold at a clock change:
 * - A tick in a skipped hour comes when that hour would have begun.
 * - A tick in a repeated hour comes once.
 * @param cron five fields; @param timezone IANA zone in which they are read.
 */
export function nextTicks(cron: string, timezone: string, after: Date, count: number): Date[] {
  const expression = CronExpressionParser.parse(cron, { tz: timezone, currentDate: after })
  return expression.take(count).map((tick) => tick.toDate())
}
