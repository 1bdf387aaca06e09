// The processes that the campaign attacks: servers and actor processes of the real program.

import type { Database } from "./database.ts"
import type { ProgramBundle } from "./program-bundle.ts"
import { askEveryMs, type Death, type Role, SupervisedProcess } from "./supervised-process.ts"

export interface Processes {
  readonly all: readonly SupervisedProcess[]
  readonly of: (role: Role) => readonly SupervisedProcess[]
  readonly deaths: readonly Death[]
  /** Kills (SIGKILL) so far, by the campaign or by the process itself at a crash point. */
  readonly kills: () => number
  /** A sentence for each process that ended without being killed or asked to; its last error is in it. */
  readonly gaveUp: readonly string[]
  readonly allReady: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface ProcessesOptions {
  readonly database: Database
  readonly servers: number
  readonly actors: number
  readonly smtpUrl: string
  /**
   * How long a process stays down. On a small machine, processes that start at once would take the CPU from the
   * processes that take over.
   */
  readonly restartMs: number
  /** The file that they run. */
  readonly program: ProgramBundle
}

const readyWithinMs = 60_000

export async function startProcesses(options: ProcessesOptions): Promise<Processes> {
  const { database, servers, actors, smtpUrl, restartMs, program } = options
  const deaths: Death[] = []
  const gaveUp: string[] = []

  const start = (role: Role, count: number) =>
    Array.from({ length: count }, async (_, index) => {
      const name = `${role}_${index + 1}`
      const url = await database.urlOf(name)
      return SupervisedProcess.start({ name, role, program: program.path, url, smtpUrl, restartMs, deaths, gaveUp })
    })
  // All start at once on an empty database: they must tolerate each other.
  const all = await Promise.all([...start("server", servers), ...start("actors", actors)])

  const processes: Processes = {
    all,
    of: (role) => all.filter((each) => each.role === role),
    deaths,
    kills: () => deaths.filter(({ signal }) => signal === "SIGKILL").length,
    gaveUp,
    async allReady() {
      const deadline = performance.now() + readyWithinMs
      while (all.some((each) => !each.isReady())) {
        if (performance.now() > deadline) throw new Error(`not all are ready:\n${gaveUp.slice(-3).join("\n")}`)
        await Bun.sleep(askEveryMs)
      }
    },
    stop: async () => void (await Promise.all(all.map((each) => each.stop()))),
  }
  await processes.allReady()
  return processes
}
