// A process whose handlers work together, started as `bun run-joint.ts <database> <way to fail> <crash point>
// <passing> <event>`. It says "ready" when it has caught up with the log. Then it works until it kills itself at the
// point, with that event if one is named. The second handler fails in the way that was named.

import { startLifeSign } from "#actors/runtime/life-sign.ts"
import { arm, type CrashPoint } from "#base/crash-points.ts"
import { connect } from "#base/database/db.ts"
import type { Tx } from "#base/database/transaction.ts"
import { aGroup, anEffect, around, jointHandlers, oneComes } from "./joint.ts"

/** How the second handler fails in its transaction. */
const ways: Readonly<Record<string, (tx: Tx) => Promise<unknown>>> = {
  "not at all": async () => undefined,
  "by throwing": async () => {
    throw new Error("broken")
  },
  "not at all, while one more comes": async () => undefined,
  "at the commit": (tx) => tx`insert into unique_later values (1), (1)`,
  "by a deadlock": async (tx) => {
    await tx`set local deadlock_timeout = '20ms'`
    await tx`update slots set taken = taken + 1 where name = 'B'`
    const rival = connect(url, { max: 1, applicationName: "slotbase test rival" })
    const ends = rival.begin(async (other) => {
      await other`set local deadlock_timeout = '1min'`
      await other`update slots set taken = taken + 1 where name = 'A'`
      await other`update slots set taken = taken + 1 where name = 'B'`
    })
    const waiting = rival.end().catch(() => {})
    await Bun.sleep(30)
    await tx`update slots set taken = taken + 1 where name = 'A'`
    await Promise.allSettled([ends, waiting])
  },
}

const [url = "", way = "", point = "", nth = "1", event] = process.argv.slice(2)
const db = connect(url, { max: 5, applicationName: "slotbase test joint" })
const lifeSign = await startLifeSign(db, "actors", "test")
const [first, second, third] = jointHandlers
if (event !== undefined) arm([{ point: point as CrashPoint, nth: Number(nth), event }])
const works = way.endsWith("one more comes") ? around(db, oneComes(db)) : db
const group = await aGroup(works, lifeSign.owner(), [
  anEffect(first),
  anEffect(second, ways[way] ?? (() => Promise.reject(new Error(`no way ${way}`)))),
  anEffect(third),
])
if (event === undefined) arm([{ point: point as CrashPoint, nth: Number(nth) }])
console.log("ready")
for (;;) {
  await group.work().catch((error: Error) => console.error(`failed: ${error.message}`))
  await Bun.sleep(10)
}
