// The promises as SQL: they must hold on any database once its work is done, after kills at any moment.

import { expect } from "bun:test"
import type { Db } from "#base/database/db.ts"
import { eventually } from "#test/harness/setup/eventually.ts"
import { brokenPromises } from "./broken-promises.ts"

/** Waits until nothing is left to dispatch, handle or deliver. */
export const settled = (db: Db, withinMs: number) =>
  eventually(
    async () => {
      const [left] = await db<{ outbox: number; runs: number; backlog: number; deliveries: number }[]>`
        select (select count(*) from slotbase.outbox) as outbox,
               (select count(*) from slotbase.unfinished_runs) as runs,
               (select count(*) from slotbase.message_backlog) as backlog,
               (select count(*) from slotbase.delivery_queue) as deliveries`
      expect(left).toEqual({ outbox: 0, runs: 0, backlog: 0, deliveries: 0 })
    },
    { withinMs },
  )

/** P1, P2, P3, P4, P5, P7, P9 and the ledger, see broken-promises.ts. */
export async function expectPromisesKept(db: Db): Promise<void> {
  expect(await brokenPromises(db)).toEqual([])
}
