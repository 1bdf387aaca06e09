// A process with a child in an endless loop. It prints the child's process id.

import { join } from "node:path"
import { ChildPool, poolLimits } from "#base/bounded/run-bounded.ts"

const pool = new ChildPool(poolLimits)
const module = join(import.meta.dir, "loop.ts")
const looping = pool.run({ module, timeMs: 60_000, decode: (answer) => answer }, {}, "a")
console.log(pool.pids[0])
await looping
