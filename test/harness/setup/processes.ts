// Finds processes that a test run started and did not end, by the run's mark in their environment. Only Linux shows the
// environment of other processes as files; elsewhere the result is empty.

import { readdir, readFile } from "node:fs/promises"

/** A process that was just told to end may need a moment. */
const leaveWithinMs = 2_000
const pollMs = 20

export async function processesOf(run: string): Promise<{ pid: number; command: string }[]> {
  const deadline = Date.now() + leaveWithinMs
  let found = await marked(run)
  while (found.length > 0 && Date.now() < deadline) {
    await Bun.sleep(pollMs)
    found = await marked(run)
  }
  return found
}

async function marked(run: string): Promise<{ pid: number; command: string }[]> {
  const entries = await readdir("/proc").catch(() => [])
  const pids = entries.map(Number).filter((pid) => pid > 0 && pid !== process.pid)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")
      if (!environment.split("\0").includes(`SLOTBASE_TEST_RUN=${run}`)) return []
      const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ").trim()
      return command === "" ? [] : [{ pid, command }]
    }),
  )
  return found.flat()
}
