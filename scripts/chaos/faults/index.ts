// Every fault, in the order of the long form.

import type { Fault } from "../fault.ts"
import { clockFaults } from "./clocks.ts"
import { crashPointFaults } from "./crash-points.ts"
import { databaseFaults } from "./database.ts"
import { dispatchFaults } from "./dispatch.ts"
import { poisonFaults } from "./poison.ts"
import { processFaults } from "./processes.ts"
import { receiverFaults } from "./receivers.ts"
import { snapshotFaults } from "./snapshot.ts"

export const faults: readonly Fault[] = [
  ...crashPointFaults,
  ...dispatchFaults,
  ...processFaults,
  ...receiverFaults,
  ...poisonFaults,
  ...databaseFaults,
  ...clockFaults,
  ...snapshotFaults,
]
