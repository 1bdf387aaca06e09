// Every fault in the order of the long form, and the kinds of faults that the summary lists.

import type { Fault } from "#scripts/chaos/fault.ts"
import { claimedBatches } from "./claimed-batches.ts"
import { clockFaults } from "./clocks.ts"
import { crashPointFaults } from "./crash-points.ts"
import { databaseFaults } from "./database.ts"
import { dispatchFaults } from "./dispatch.ts"
import { partFaults } from "./parts.ts"
import { poisonFaults } from "./poison.ts"
import { poolFaults } from "./pool.ts"
import { processFaults } from "./processes.ts"
import { receiverFaults } from "./receivers.ts"
import { snapshotFaults } from "./snapshot.ts"

/** A crash point that both roles pass is two faults. */
const points = new Set(crashPointFaults.map(({ sentence }) => sentence)).size
const named = (name: string) => processFaults.filter((fault) => fault.name === name)
const others = processFaults.filter(({ name }) => !["random-kill", "stopped"].includes(name))

export const kinds: readonly { readonly what: string; readonly faults: readonly Fault[] }[] = [
  { what: `a process is killed at one of ${points} points between two writes`, faults: crashPointFaults },
  { what: "inside a dispatch: killed; its backend terminated; cancelled", faults: dispatchFaults },
  { what: "all processes but two are killed at once", faults: named("random-kill") },
  { what: "all actor processes but one are killed with whole batches in hand", faults: [claimedBatches] },
  { what: "all of them are killed; they are asked to end", faults: others },
  { what: "stopped (`SIGSTOP`) and continued", faults: named("stopped") },
  { what: "receivers hang, reset, drip, refuse; a kill meanwhile", faults: receiverFaults },
  { what: "an event kills each process that handles or sends it, until it is a dead letter", faults: poisonFaults },
  {
    what: "PostgreSQL restarts, crashes, is killed or stopped; its connections are cut, or used up",
    faults: databaseFaults,
  },
  {
    what: "connections of pg-boss and of the database's listeners are cut; HTTP closed; disk full; read-only",
    faults: partFaults,
  },
  { what: "all connections of each process's own pool are taken", faults: poolFaults },
  { what: "the program's clock jumps; the machine's clock is wrong", faults: clockFaults },
  { what: "ten minutes under a snapshot and two idle transactions, with kills all the while", faults: snapshotFaults },
]

export const faults: readonly Fault[] = [
  ...crashPointFaults,
  ...dispatchFaults,
  ...processFaults,
  claimedBatches,
  ...receiverFaults,
  ...poisonFaults,
  ...databaseFaults,
  ...partFaults,
  ...poolFaults,
  ...clockFaults,
  ...snapshotFaults,
]
