/**
 * What a provider cannot make sense of is a failure of its calendar, with a reason. Servers answer anything: an address
 * that is none, text in place of a list. Without this, one such answer would end the actor of all calendars.
 */
import { CalendarFailed, type CalendarProvider } from "./provider.ts"

/** The same provider, whose surprises are failures `not_understood`. */
export function understood(calendar: CalendarProvider): CalendarProvider {
  const { put, remove, changes, places, read, bookingAt, locate, watch } = calendar
  return {
    put: (...given) => put(...given).catch(notUnderstood),
    remove: (...given) => remove(...given).catch(notUnderstood),
    async *changes(...given) {
      try {
        return yield* changes(...given)
      } catch (error) {
        return notUnderstood(error)
      }
    },
    places: () => places().catch(notUnderstood),
    read: (...given) => read(...given).catch(notUnderstood),
    bookingAt,
    ...(locate && { locate: () => locate().catch(notUnderstood) }),
    ...(watch && {
      watch: {
        open: (...given) => watch.open(...given).catch(notUnderstood),
        renew: (...given) => watch.renew(...given).catch(notUnderstood),
        stop: (...given) => watch.stop(...given).catch(notUnderstood),
      },
    }),
  }
}

/** Errors of this program have a tag, and those of the database a code. The rest is the answer's fault. */
function notUnderstood(error: unknown): never {
  const isOfReading = [TypeError, RangeError, SyntaxError, URIError].some((each) => error instanceof each)
  const isKnown = typeof error === "object" && error !== null && ("_tag" in error || "code" in error)
  if (isKnown && !isOfReading) throw error
  const says = error instanceof Error ? error.message : String(error)
  throw new CalendarFailed("not_understood", `The server's answer cannot be read: ${says.slice(0, maxSaid)}`, {
    cause: error,
  })
}

/** Characters of the reason that are shown. */
const maxSaid = 200
