// The resident memory of a process.

import { readFile } from "node:fs/promises"
import { median, round } from "#scripts/statistics.ts"

const kibPerMib = 1_024

/** MiB. NaN where there is no /proc, or the process has ended. */
export async function resident(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "")
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / kibPerMib
}

/** Medians of the first tenth of the samples, of the tenth in the middle, and of the last one; MiB. */
export function residentOver(samples: readonly number[]) {
  const tenth = Math.max(1, Math.floor(samples.length / 10))
  const from = (start: number) => round(median(samples.slice(start, start + tenth)))
  const middle = Math.floor((samples.length - tenth) / 2)
  return { firstMib: from(0), middleMib: from(middle), endMib: from(samples.length - tenth) }
}
