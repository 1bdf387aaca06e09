// The work alone: effects, signed requests and their outcomes, from a list. There is no queue, no claim, no retry and
// no history; after a kill the position would be lost. This is the most that the machine can do. One process does not
// fill two cores, so two processes share the list. Each reads the next events while it works on the last ones.

import type { BareSettings } from "./bare-worker.ts"
import type { Contestant } from "./contestant.ts"
import { createPeerTables, peerOutcomes, peerRecorder, peerWorkers } from "./peer.ts"
import type { PeerSettings } from "./peer-work.ts"

export const bare = (name: string, settings: PeerSettings, processes = 2): Contestant => ({
  name,
  prepare: async (environment) => {
    await createPeerTables(environment.sql)
    return {
      workers: Array.from({ length: processes }, (_, nth) => {
        const share: BareSettings = { ...settings, nth, of: processes }
        return peerWorkers("bare-worker.ts", share, 1, environment)
      }).flat(),
      recorder: async () => peerRecorder(environment.url, async () => {}),
      outcomes: () => peerOutcomes(environment.sql),
      stop: async () => {},
    }
  },
})
