// The short form of the fault campaign, with its most telling faults. It runs the code of `./scripts/test chaos`, on a
// system and a PostgreSQL of its own. Promises are judged here, times only roughly: other tests run beside it.

import { expect, test } from "bun:test"
import { runCampaign } from "#scripts/chaos/campaign.ts"
import { faults } from "#scripts/chaos/faults/index.ts"
import { smallVolume } from "#test/harness/setup/small-volume.ts"

/** One of each kind that the short form can have; the long form has all of them, with more processes and rounds. */
const chosen = ["answer-received", "inside-dispatch", "restart-killed", "listener-closed", "disk-full"]
/** Each kind of act comes once before any comes again. */
const kindsOfActs = 9
const withinMs = 180_000

test(
  "the system loses nothing, doubles nothing and keeps its order when processes and PostgreSQL are killed, listeners closed and a disk full",
  async () => {
    const volume = await smallVolume(1)
    const mayMount = volume !== undefined
    await volume?.remove()
    const outcome = await runCampaign({
      faults: faults.filter(({ name }) => chosen.includes(name)),
      killsOf: () => 1,
      short: true,
      seed: 1,
      servers: 1,
      actors: 2,
      pace: 8,
      checkOnce: true,
      progress: () => {},
    })
    expect(outcome.broken).toEqual([])
    expect(outcome.troubles).toEqual([])
    expect(outcome.lines.map(({ fault, verdict }) => ({ fault, verdict }))).toEqual(
      chosen.map((fault) => ({ fault, verdict: fault === "disk-full" && !mayMount ? "left out" : "kept" })),
    )
    expect(outcome.kills).toBeGreaterThanOrEqual(2)
    expect(outcome.acts).toBeGreaterThanOrEqual(kindsOfActs)
  },
  { timeout: withinMs },
)
