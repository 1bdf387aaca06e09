// The processes under fire: servers and actor processes of the real program, each on an address of its own, started again
// some time after it has ended, as its supervisor would do.

import { rm } from "node:fs/promises"
import { join } from "node:path"
import type { CrashPoint } from "#base/crash-points.ts"
import { freePort, rootKey } from "#test/harness/setup/system.ts"
import type { Database } from "./database.ts"
import type { Order } from "./orders.ts"

export type Role = "server" | "actors"

export interface Victim {
  /** Also its name in the database. */
  readonly name: string
  readonly role: Role
  readonly address: string
  readonly isReady: () => boolean
  readonly pid: () => number
  /** Dies by SIGKILL at the n-th passing of the point, from now on; of the event's, if one is named. */
  readonly arm: (point: CrashPoint, nth: number, event?: string) => void
  readonly disarm: () => void
  readonly setHostClock: (aheadMs: number) => void
  readonly signal: (signal: NodeJS.Signals) => void
  /** What the next process in its place is told before it starts; once. */
  readonly tellNext: (order: Order) => void
  /** How often it has died so far. */
  readonly deaths: () => number
}

export interface Death {
  readonly victim: string
  readonly pid: number
  /** On the monotonic timer, milliseconds. */
  readonly at: number
  readonly signal: string | null
  readonly code: number | null
}

export interface Crew {
  readonly victims: readonly Victim[]
  readonly of: (role: Role) => readonly Victim[]
  readonly deaths: readonly Death[]
  /** Deaths by SIGKILL so far: from the campaign, or by itself at a point. */
  readonly kills: () => number
  /** Processes that ended and were neither killed nor asked to, with the last that they said. */
  readonly gaveUp: readonly string[]
  readonly allReady: () => Promise<void>
  readonly stop: () => Promise<void>
}

const project = join(import.meta.dir, "../..")
/** Two folders below the project, as src/database is: the program finds its SQL from where it stands. */
const bundleFolder = join(project, `node_modules/.fault-campaign-${process.pid}`)
const secretKey = Buffer.alloc(32, 7).toString("base64")
const readyWithinMs = 60_000
const askEveryMs = 25
/** A process that ended by itself is not started again in the same instant, whatever its supervisor does. */
const pauseMs = 200
const keptOutput = 4_000

export interface CrewOptions {
  readonly database: Database
  readonly servers: number
  readonly actors: number
  readonly smtpUrl: string
  /** How long a process stays dead: where the machine is small, those that start would take the CPU of those that take over. */
  readonly restartMs: number
}

export async function startCrew({ database, servers, actors, smtpUrl, restartMs }: CrewOptions): Promise<Crew> {
  const deaths: Death[] = []
  const gaveUp: string[] = []
  let closing = false
  const program = await bundle()

  async function hire(role: Role, nth: number): Promise<Victim & { stop: () => Promise<void> }> {
    const name = `${role}_${nth}`
    const port = await freePort()
    const address = `http://127.0.0.1:${port}`
    const url = await database.urlOf(name)
    let ready = false
    let died = 0
    let asked = false
    let next: Order | undefined
    let child = spawn()

    function spawn() {
      const order = next === undefined ? [] : [JSON.stringify(next)]
      next = undefined
      ready = false
      asked = false
      const process = Bun.spawn([globalThis.process.execPath, program, ...order], {
        cwd: project,
        env: {
          ...globalThis.process.env,
          DATABASE_URL: url,
          PORT: String(port),
          SLOTBASE_ROLE: role,
          SLOTBASE_ROOT_KEY: rootKey,
          SLOTBASE_SECRET_KEY: secretKey,
          SLOTBASE_EGRESS_ALLOW: "127.0.0.0/8",
          SMTP_URL: smtpUrl,
        },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
        ipc: () => {},
      })
      const said = lastOf(process.stderr)
      void process.exited.then(async (code) => {
        const at = performance.now()
        ready = false
        died++
        deaths.push({
          victim: name,
          pid: process.pid,
          at,
          signal: process.signalCode === null ? null : String(process.signalCode),
          code: process.exitCode,
        })
        const wasAsked = asked && (code === 0 || process.signalCode === "SIGTERM")
        if (process.signalCode !== "SIGKILL" && !wasAsked) {
          gaveUp.push(`${name} ended with ${process.signalCode ?? code}: ${reasonIn(await said)}`)
          await Bun.sleep(pauseMs)
        }
        await Bun.sleep(restartMs)
        if (!closing) child = spawn()
      })
      void waitUntilReady(process)
      return process
    }

    async function waitUntilReady(process: Bun.Subprocess): Promise<void> {
      while (process.exitCode === null && process.signalCode === null) {
        const answer = await fetch(`${address}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined)
        if (answer?.status === 200 && process === child) {
          ready = true
          return
        }
        await Bun.sleep(askEveryMs)
      }
    }

    const tell = (order: Order) => {
      try {
        child.send(order)
      } catch {
        // It has just died.
      }
    }
    return {
      name,
      role,
      address,
      isReady: () => ready,
      pid: () => child.pid,
      arm: (point, nth, event) => tell({ arm: [{ point, nth, ...(event !== undefined && { event }) }] }),
      disarm: () => tell({ arm: [] }),
      setHostClock: (hostClockAheadMs) => tell({ hostClockAheadMs }),
      signal: (signal) => {
        asked ||= signal === "SIGTERM"
        child.kill(signal)
      },
      tellNext: (order) => {
        next = order
      },
      deaths: () => died,
      stop: async () => {
        child.kill("SIGCONT")
        child.kill("SIGKILL")
        await child.exited
      },
    }
  }

  // All at once on a database that none of them has seen: they must bear each other.
  const victims = await Promise.all([
    ...Array.from({ length: servers }, (_, n) => hire("server", n + 1)),
    ...Array.from({ length: actors }, (_, n) => hire("actors", n + 1)),
  ])
  const crew: Crew = {
    victims,
    of: (role) => victims.filter((victim) => victim.role === role),
    deaths,
    kills: () => deaths.filter(({ signal }) => signal === "SIGKILL").length,
    gaveUp,
    async allReady() {
      const deadline = performance.now() + readyWithinMs
      while (victims.some((victim) => !victim.isReady())) {
        if (performance.now() > deadline) throw new Error(`not all are ready:\n${gaveUp.slice(-3).join("\n")}`)
        await Bun.sleep(askEveryMs)
      }
    },
    async stop() {
      closing = true
      await Promise.all(victims.map((victim) => victim.stop()))
      await rm(bundleFolder, { recursive: true, force: true })
    },
  }
  await crew.allReady()
  return crew
}

/**
 * The program in one file, compiled ahead: processes start by the hundred, and what they take is not there for those that take
 * over. From 1,700 files a start takes 1.7 seconds of CPU, from one 1.25, as bytecode 1.0.
 */
async function bundle(): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "victim.ts")],
    target: "bun",
    format: "cjs",
    bytecode: true,
    outdir: bundleFolder,
  })
  const [file] = outputs
  if (!file) throw new Error("the program could not be bundled")
  return file.path
}

/** The line that names the error, of everything that it said. */
function reasonIn(said: string): string {
  const lines = said.trim().split("\n")
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? "").trim()
}

/** The end of what a process says. */
async function lastOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let end = ""
  for await (const chunk of stream) end = (end + decoder.decode(chunk, { stream: true })).slice(-keptOutput)
  return end
}
