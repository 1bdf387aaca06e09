// The work alone: effects, signed requests and their outcomes from a list. There is no queue, no claim, no retry and no history;
// killed, it would not know where it was. It stands for what the machine can do at most, so two processes share the list, each
// with the next events at hand while it works on those before: one process does not fill two cores.

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
