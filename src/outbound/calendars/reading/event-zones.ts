/**
 * The zones that events of calendars name. A name of the IANA data is resolved by the project's own zone data, and so
 * is a name of Windows, as Outlook writes it. For any other name the event's own VTIMEZONE decides.
 */

import { instantAt, wallAt } from "#base/zones/wall-clock.ts"
import { isZone } from "#base/zones/zone-data.ts"

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

/** Windows' zones of CLDR's windowsZones.xml, territory 001, as far as sports clubs are known to use them. */
const windowsZones: Readonly<Record<string, string>> = {
  "Dateline Standard Time": "Etc/GMT+12",
  "Hawaiian Standard Time": "Pacific/Honolulu",
  "Alaskan Standard Time": "America/Anchorage",
  "Pacific Standard Time": "America/Los_Angeles",
  "US Mountain Standard Time": "America/Phoenix",
  "Mountain Standard Time": "America/Denver",
  "Central Standard Time": "America/Chicago",
  "Central America Standard Time": "America/Guatemala",
  "Central Standard Time (Mexico)": "America/Mexico_City",
  "Canada Central Standard Time": "America/Regina",
  "SA Pacific Standard Time": "America/Bogota",
  "Eastern Standard Time": "America/New_York",
  "Atlantic Standard Time": "America/Halifax",
  "Pacific SA Standard Time": "America/Santiago",
  "Newfoundland Standard Time": "America/St_Johns",
  "E. South America Standard Time": "America/Sao_Paulo",
  "Argentina Standard Time": "America/Buenos_Aires",
  "Azores Standard Time": "Atlantic/Azores",
  UTC: "Etc/UTC",
  "GMT Standard Time": "Europe/London",
  "Greenwich Standard Time": "Atlantic/Reykjavik",
  "Morocco Standard Time": "Africa/Casablanca",
  "W. Europe Standard Time": "Europe/Berlin",
  "Central Europe Standard Time": "Europe/Budapest",
  "Romance Standard Time": "Europe/Paris",
  "Central European Standard Time": "Europe/Warsaw",
  "W. Central Africa Standard Time": "Africa/Lagos",
  "GTB Standard Time": "Europe/Bucharest",
  "E. Europe Standard Time": "Europe/Chisinau",
  "FLE Standard Time": "Europe/Kiev",
  "Egypt Standard Time": "Africa/Cairo",
  "South Africa Standard Time": "Africa/Johannesburg",
  "Israel Standard Time": "Asia/Jerusalem",
  "Middle East Standard Time": "Asia/Beirut",
  "Kaliningrad Standard Time": "Europe/Kaliningrad",
  "Turkey Standard Time": "Europe/Istanbul",
  "Arabic Standard Time": "Asia/Baghdad",
  "Arab Standard Time": "Asia/Riyadh",
  "Belarus Standard Time": "Europe/Minsk",
  "Russian Standard Time": "Europe/Moscow",
  "E. Africa Standard Time": "Africa/Nairobi",
  "Iran Standard Time": "Asia/Tehran",
  "Arabian Standard Time": "Asia/Dubai",
  "Pakistan Standard Time": "Asia/Karachi",
  "India Standard Time": "Asia/Kolkata",
  "Sri Lanka Standard Time": "Asia/Colombo",
  "Bangladesh Standard Time": "Asia/Dhaka",
  "SE Asia Standard Time": "Asia/Bangkok",
  "China Standard Time": "Asia/Shanghai",
  "Singapore Standard Time": "Asia/Singapore",
  "Taipei Standard Time": "Asia/Taipei",
  "W. Australia Standard Time": "Australia/Perth",
  "Tokyo Standard Time": "Asia/Tokyo",
  "Korea Standard Time": "Asia/Seoul",
  "Cen. Australia Standard Time": "Australia/Adelaide",
  "AUS Central Standard Time": "Australia/Darwin",
  "E. Australia Standard Time": "Australia/Brisbane",
  "AUS Eastern Standard Time": "Australia/Sydney",
  "Tasmania Standard Time": "Australia/Hobart",
  "New Zealand Standard Time": "Pacific/Auckland",
}
