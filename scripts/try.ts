import { runCampaign } from "#scripts/chaos/campaign.ts"
import { faults } from "#scripts/chaos/faults/index.ts"
const chosen = process.argv.slice(2)
const t0 = performance.now()
const outcome = await runCampaign({
  faults: chosen.map((n) => faults.find(({ name }) => name === n)!),
  killsOf: () => 1, short: true, seed: Number(process.env.SEED ?? 1), servers: 1, actors: 2, pace: 8,
  progress: (line) => console.log(Math.round((performance.now() - t0) / 1000), line),
})
console.log(JSON.stringify({ ...outcome, lines: undefined }, null, 1).slice(0, 6000))
console.log(Math.round((performance.now() - t0) / 1000), "s")
