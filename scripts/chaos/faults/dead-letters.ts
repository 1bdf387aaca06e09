// The dead letters that faults cause, and how they are put back to work.

import type { World } from "#scripts/chaos/world.ts"

export interface DeadLetter {
  readonly id: string
  readonly event_id: string
  readonly handler: string | null
}

/** The dead letters that are not resolved. */
export const openLetters = ({ database: { db } }: World) => db<DeadLetter[]>`
  select id, event_id, handler from slotbase.dead_letters where resolved_at is null order by event_id`

/** Puts these dead letters back to work, over the API. */
export async function reprocess({ customers }: World, letters: readonly DeadLetter[]): Promise<void> {
  for (const { id } of letters) await customers.ask(`${customers.at}/dead-letters/${id}/reprocess`, {})
}
