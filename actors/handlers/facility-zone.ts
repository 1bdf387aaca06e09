/** The time zone of a facility, read once per transaction: a batch of runs asks for the same few again and again. */
import type { Tx } from "../../src/database/db.ts"

export async function facilityZone(tx: Tx, facilityId: string): Promise<string | undefined> {
  const zones = known.get(tx) ?? new Map<string, string | undefined>()
  known.set(tx, zones)
  if (!zones.has(facilityId)) {
    const [row] = await tx<{ timezone: string }[]>`select timezone from slotbase.facilities where id = ${facilityId}`
    zones.set(facilityId, row?.timezone)
  }
  return zones.get(facilityId)
}

const known = new WeakMap<Tx, Map<string, string | undefined>>()
