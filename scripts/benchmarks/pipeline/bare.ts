// The work alone: effects, signed requests and their outcomes from a list that is read once, in two loops of one process, which
// do not fill two cores. There is no queue, no claim, no retry and no history; killed, it would not know where it was.

import type { Contestant } from "./contestant.ts"
import { createPeerTables, peerOutcomes, peerRecorder, peerWorkers } from "./peer.ts"
import type { PeerSettings } from "./peer-work.ts"

export const bare = (name: string, settings: PeerSettings): Contestant => ({
  name,
  prepare: async (place) => {
    await createPeerTables(place.sql)
    return {
      workers: peerWorkers("bare-worker.ts", settings, 1, place),
      recorder: async () => peerRecorder(place.url, async () => {}),
      outcomes: () => peerOutcomes(place.sql),
      stop: async () => {},
    }
  },
})
