/**
 * The zone data of the runtime, which comes with its ICU library and is renewed only by another runtime. SlotBase
 * compares it with its own data, and takes the zones' names from it. No local time is resolved with it.
 */

/** How far the runtime's wall clock is ahead of UTC at an instant, milliseconds. Throws RangeError. */
export const runtimeOffsetAt = (timezone: string, at: number): number =>
  Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone).offsetNanoseconds / 1_000_000
