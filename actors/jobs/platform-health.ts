/**
 * The scheduled job platform-health: tells the administrators of the platform what no facility can mend. Mail is held,
 * runs of handlers were given up, or passes of actors fail. They are told in stages, and when it is over. Each is an
 * event, from which a mail follows, and a line in the log. The stages follow from tables alone, so any process may
 * look, and a crash loses none.
 */
import type { Actor, Pass } from "#actors/runtime/actor.ts"
import type { Tx } from "#base/database/transaction.ts"
import { log } from "#base/log.ts"
import { transact } from "#events/outbox.ts"
import { noteTroubles, type PlatformTold, tellTroubles, tellTroublesOver } from "#operations/platform-health.ts"
import { type JobTools, jobContext } from "./job-context.ts"

export const platformHealth = (tools: JobTools): Actor => ({
  name: "platform-health",
  description: "Tell the platform's administrators about held mail and given-up work",
  cron: "* * * * *",
  deadlineMs: 60_000,
  pass: () => pass(tools),
})

async function pass(tools: JobTools): Promise<Pass> {
  const telling = async (tell: (tx: Tx) => Promise<readonly PlatformTold[]>) => {
    const { result: told } = await transact(tools.db, jobContext(tools), tell)
    for (const { trouble, what, stage, count, detail } of told)
      log.warn(what === "failing" ? "trouble lasts, administrators told" : "trouble is over, administrators told", {
        trouble,
        stage,
        count,
        detail,
      })
    return told.length
  }
  const recovered = await telling(tellTroublesOver)
  await transact(tools.db, jobContext(tools), noteTroubles)
  const failing = await telling(tellTroubles)
  return { more: false, did: { ...(recovered > 0 && { recovered }), ...(failing > 0 && { failing }) } }
}
