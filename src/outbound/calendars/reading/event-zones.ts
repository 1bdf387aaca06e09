/**
 * The zones that events of calendars name. A name of the IANA data is resolved by the project's own zone data, and so
 * is a name of Windows, as Outlook writes it. For any other name the event's own VTIMEZONE decides.
 */

import { instantAt, wallAt } from "#base/zones/wall-clock.ts"
import { isZone } from "#base/zones/zone-data.ts"
import { windowsZones } from "./windows-zones.ts"

/** A wall time is the instant at which a clock in UTC shows it, milliseconds. */
export interface WallZone {
  readonly instantOf: (wall: number) => number
  readonly wallOf: (at: number) => number
}

export const utcZone: WallZone = { instantOf: (wall) => wall, wallOf: (at) => at }

/** By the project's own zone data. */
export const zoneOfName = (name: string): WallZone => ({
  instantOf: (wall) => instantAt(name, wall, "later"),
  wallOf: (at) => wallAt(name, at),
})

/** The IANA name that a TZID means; undefined: none is known. */
export function ianaNameOf(tzid: string): string | undefined {
  const name = tzid.trim().replace(/^"|"$/g, "")
  if (isZone(name)) return name
  // Such as /freeassociation.sourceforge.net/Europe/Berlin.
  for (let at = name.indexOf("/"); at >= 0; at = name.indexOf("/", at + 1)) {
    const rest = name.slice(at + 1)
    if (rest.includes("/") && isZone(rest)) return rest
  }
  return windowsZones[name]
}
