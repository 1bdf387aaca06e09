// Keeps all calendars in step until none is due. It imports little, because the tests of kills start it many times.

import { syncCalendars } from "#actors/calendars/sync-calendars.ts"
import { type Config, parseConfig } from "#base/config.ts"
import type { Db } from "#base/database/db.ts"
import { secretBox } from "#base/secrets.ts"

export const allow = ["127.0.0.1"]
/** With the key of every App of a test. */
const secrets = secretBox(new Uint8Array(32).fill(7))
/** A calendar that is in step is asked again after minutes. */
const maxPasses = 10

export async function syncAll(db: Db, given: Partial<Config> = {}): Promise<void> {
  const [{ id: owner }] = await db<[{ id: number }]>`
    insert into slotbase.processes (host, pid, role, version, alive_until)
    values ('test', 0, 'actors', 'test', clock_timestamp() + interval '1 hour') returning id`
  const config = { ...parseConfig({}), egressAllow: allow, ...given }
  const actor = syncCalendars({ db, config, secrets }, { owner: () => owner })
  for (let passes = 1; ; passes++) {
    await actor.pass(new AbortController().signal)
    await actor.idle()
    const [due] = await db<[{ count: number }]>`
      select count(*)::integer as count from slotbase.calendar_syncs
      where sync_status <> 'paused' and next_sync_at <= slotbase.now() and lease is null
        and host not in (select host from slotbase.calendar_hosts where held_until > slotbase.now())`
    if (due.count === 0) break
    if (passes === maxPasses) throw new Error(`${due.count} calendars are due again and again`)
  }
  // A pass throws what failed in the one before it.
  await actor.pass(new AbortController().signal)
  await actor.idle()
  await db`update slotbase.processes set alive_until = clock_timestamp() where id = ${owner}`
}
