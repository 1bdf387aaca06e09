// The process for a test of pool.test.ts. It meets a frozen backend, gives up on the query and ends its connections.
// Nothing then keeps the process alive.

import { connect } from "#base/database/db.ts"
import { QueryTimedOut } from "#base/database/errors.ts"

const db = connect(process.argv[2] ?? "", { applicationName: "slotbase test", max: 1, queryDeadlineMs: 200 })
const [backend] = await db<[{ pid: number }]>`select pg_backend_pid() as pid`
process.kill(backend.pid, "SIGSTOP")
console.log(backend.pid)
const error = await db`select 1`.catch((error: unknown) => error)
if (!(error instanceof QueryTimedOut)) throw error
await db.end()
