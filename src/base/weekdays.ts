/** Weekdays by name, Monday first, as opening hours and price rules name them. */
export const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const
export type Weekday = (typeof weekdays)[number]

/** The weekday of a calendar day (YYYY-MM-DD). */
export const weekdayOf = (date: string): Weekday => weekdays[Temporal.PlainDate.from(date).dayOfWeek - 1] ?? weekdays[0]
