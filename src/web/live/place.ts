/** Places in the log: `<position>` or `<position>-<epoch>`, the form of ETags, `after` and Last-Event-ID. */
import type { LivePlace } from "./types.ts"

export const textOfPlace = ({ position, epoch }: LivePlace): string =>
  epoch === undefined ? position : `${position}-${epoch}`

/** Reads a place, or the ETag of an answer; undefined when it is neither. */
export function livePlaceOf(given: LivePlace | string | null | undefined): LivePlace | undefined {
  if (typeof given !== "string") return given ?? undefined
  const [, position, epoch] = /^(?:W\/)?"?(\d+)(?:-(\w+))?"?$/.exec(given) ?? []
  return position === undefined ? undefined : { position, epoch }
}

export const isAfter = (one: LivePlace, other: LivePlace): boolean => Number(one.position) > Number(other.position)

/** A place without an epoch may be of any. */
export const isSameLog = (one: LivePlace, other: LivePlace): boolean =>
  one.epoch === undefined || other.epoch === undefined || one.epoch === other.epoch
