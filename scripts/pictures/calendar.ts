// The days of the pictures: the same in each run.

import { instantOf } from "#base/local-days.ts"

export const zone = "Europe/Berlin"

/** A Tuesday on which nothing special happens. Cookies need a clock that is not behind the real one. */
export const firstDay = "2031-06-17"

/** When the first picture is taken, milliseconds. */
export const takenAt = instantOf(zone, firstDay, "10:20")

/** The date so many days after the first one. */
export const dayAfter = (days: number): string => Temporal.PlainDate.from(firstDay).add({ days }).toString()
