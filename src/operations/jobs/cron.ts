/**
 * Cron lines of five fields: minute, hour, day of month, month, weekday. A field is `*`, or a list of values and ranges
 * with steps, such as `1-5` and `0-30/10`. Months and weekdays also have their English names. When day of month and
 * weekday are both limited, either is enough, as in every cron. A line that no day fulfils is refused.
 */

export interface Cron {
  readonly line: string
  /** In order. */
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly months: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>
  /** Days of the month are limited, and so are weekdays: one of them is enough. */
  readonly eitherDay: boolean
  /** At most one tick a local day. */
  readonly daily: boolean
  /** In every hour, so that a repeated hour has its ticks twice. */
  readonly everyHour: boolean
}

export class BadCron extends Error {
  readonly _tag = "BadCron"
  constructor(
    readonly line: string,
    readonly fault: string,
  ) {
    super(`The cron line ${JSON.stringify(line)} ${fault}.`)
  }
}

/** Throws BadCron. */
export function parseCron(line: string): Cron {
  const known = parsed.get(line)
  if (known !== undefined) return known
  const cron = parse(line)
  // Only the lines of the program's jobs come here.
  parsed.set(line, cron)
  return cron
}

/** Whether the cron line ticks on a local day. @param day the day's start on a clock in UTC, milliseconds. */
export function ticksOnDay({ months, days, weekdays, eitherDay }: Cron, day: number): boolean {
  const date = new Date(day)
  if (!months.has(date.getUTCMonth() + 1)) return false
  const [ofMonth, ofWeek] = [days.has(date.getUTCDate()), weekdays.has(date.getUTCDay())]
  return eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek
}

const parsed = new Map<string, Cron>()

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}

const monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const weekdayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
const fields: readonly [Field, Field, Field, Field, Field] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: monthNames },
  // 7 is Sunday too.
  { name: "weekday", min: 0, max: 7, names: weekdayNames },
]
/** The longest month of each name; 29 February comes. */
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function parse(line: string): Cron {
  const texts = line.trim().split(/\s+/)
  if (texts.length !== fields.length) throw new BadCron(line, `has ${texts.length} fields instead of 5`)
  const valuesOf = (nth: 0 | 1 | 2 | 3 | 4) => valuesIn(line, fields[nth], texts[nth] ?? "")
  const [minutes, hours, days, months] = [valuesOf(0), valuesOf(1), valuesOf(2), valuesOf(3)]
  const weekdays = valuesOf(4).map((weekday) => weekday % 7)
  const eitherDay = !isFree(texts[2]) && !isFree(texts[4])
  const possible = months.some((month) => days.some((day) => day <= (monthDays[month - 1] ?? 0)))
  if (!possible && !eitherDay) throw new BadCron(line, "names a day that never comes")
  return {
    line,
    minutes,
    hours,
    months: new Set(months),
    days: new Set(days),
    weekdays: new Set(weekdays),
    eitherDay,
    daily: minutes.length === 1 && hours.length === 1,
    everyHour: hours.length === 24,
  }
}

const isFree = (text: string | undefined) => text?.startsWith("*") ?? true

function valuesIn(line: string, field: Field, text: string): readonly number[] {
  const values = new Set<number>()
  for (const part of text.split(",")) {
    const found = /^(\*|[a-z\d]+)(?:-([a-z\d]+))?(?:\/(\d{1,2}))?$/i.exec(part)
    const [, first = "", last, every] = found ?? []
    const step = every === undefined ? 1 : Number(every)
    const from = first === "*" ? field.min : numberOf(field, first)
    const until = last === undefined ? (first === "*" || every ? field.max : from) : numberOf(field, last)
    const isFault = found === null || (first === "*" && last !== undefined) || step === 0
    if (isFault || !isIn(field, from) || !isIn(field, until) || from > until)
      throw new BadCron(line, `has no ${field.name} ${JSON.stringify(part)}`)
    for (let value = from; value <= until; value += step) values.add(value)
  }
  return [...values].sort((one, other) => one - other)
}

function numberOf({ names, min }: Field, text: string): number {
  const nth = names?.indexOf(text.toLowerCase()) ?? -1
  if (nth >= 0) return nth + min
  return /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
}

const isIn = ({ min, max }: Field, value: number) => value >= min && value <= max
