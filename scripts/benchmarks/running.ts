// Everything that a run starts and must end: processes, servers, folders. They end when the run ends, when a part of it
// fails, and when the run is interrupted.

import type { Subprocess } from "bun"
import { type System, type SystemOptions, startSystem } from "#test/harness/setup/system.ts"

/** The ends of everything that is running, in the order in which it began. */
const running = new Set<() => Promise<unknown>>()
let over = false

/** Registers an end for the end of the run; answers a function that unregisters it. Throws when the run is over. */
export function endsWithRun(end: () => Promise<unknown>): () => void {
  if (over) throw new Error("the run was ended")
  running.add(end)
  return () => void running.delete(end)
}

/**
 * Answers a function for the owner that ends something once, whether the owner or the end of the run calls it first.
 * Two ends that empty one folder at the same time would disturb each other.
 */
export function endsOnce(end: () => Promise<unknown>): () => Promise<void> {
  let ending: Promise<void> | undefined
  const stop = () => {
    ending ??= end().then(() => forget())
    return ending
  }
  const forget = endsWithRun(stop)
  return stop
}

/** Registers a process, so that it is killed with the run. */
export function owned<Child extends Subprocess>(child: Child): Child {
  const end = () => {
    child.kill("SIGKILL")
    return child.exited
  }
  if (over) void end()
  void child.exited.then(endsWithRun(end))
  return child
}

/** Starts the whole program in a process of its own, which ends with the run. */
export function startProgram(options: SystemOptions): Promise<System> {
  let starting: Promise<System> | undefined
  const forget = endsWithRun(async () => (await starting?.catch(() => undefined))?.end("SIGKILL"))
  starting = startSystem(options)
  starting.then(({ exited }) => exited).then(forget, forget)
  return starting
}

/** Ends everything that a part has left running, the last thing first: PostgreSQL ends after its clients. */
export async function endAll(): Promise<void> {
  for (const end of [...running].reverse()) {
    running.delete(end)
    await end().catch(() => {})
  }
}

/** Ends everything, and lets nothing begin afterwards. */
export function endRun(): Promise<void> {
  over = true
  return endAll()
}

export const isOver = () => over
