// Provokes the crash points of events that are recorded from SQL, without a command.

import { definitionOf } from "#events/catalogue.ts"
import { openLetters } from "#scripts/chaos/faults/dead-letters.ts"
import { NotInflicted, type Provoke, waitFor } from "./provocation.ts"

/**
 * Records a valid event and two that do not match their Schema, which the dispatcher must refuse. The dead letters of
 * the refused events are counted and then ignored, over the API.
 */
export const recordFromSql: Provoke = (world) => {
  const { db } = world.database
  const good = definitionOf("coach.session.completed")?.sample
  const bad = { ...good, students: "nobody" }
  let refused = 0
  return {
    again: async () => {
      await db.begin(async (tx) => {
        for (const data of [bad, good, bad])
          await tx`
            select slotbase.record_event('coach.session.completed', ${world.customers.facilityId}, ${tx.json(data as never)})`
      })
      refused += 2
    },
    after: async () => {
      // Deliveries of the integrators may be dead letters meanwhile.
      const ofRuns = async () => (await openLetters(world)).filter(({ handler }) => handler !== null)
      await waitFor(`${refused} events refused`, async () => (await ofRuns()).length >= refused)
      const open = await ofRuns()
      for (const { id } of open) await world.customers.ask(`${world.customers.at}/dead-letters/${id}/ignore`, {})
      const others = open.filter(({ handler }) => handler !== "dispatcher").length
      if (open.length !== refused || others > 0)
        throw new NotInflicted(
          `${refused} events should be refused; there are ${open.length} dead letters, ${others} of them of others`,
        )
    },
  }
}
