// What a run has started and must not leave behind, whether it ends, a part of it fails, or somebody interrupts it: processes,
// servers, folders.

import type { Subprocess } from "bun"
import { type System, type SystemOptions, startSystem } from "#test/harness/setup/system.ts"

/** In the order in which they began. */
const running = new Set<() => Promise<unknown>>()
let over = false

/** Remembers how something is ended; answers how to forget it. Throws when the run is over. */
export function endsWithRun(end: () => Promise<unknown>): () => void {
  if (over) throw new Error("the run was ended")
  running.add(end)
  return () => void running.delete(end)
}

/**
 * How something is ended, by its owner or with the run, whoever comes first; once, because two that empty one folder stumble
 * over each other.
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

/** A process that the run has started. */
export function owned<Child extends Subprocess>(child: Child): Child {
  const end = () => {
    child.kill("SIGKILL")
    return child.exited
  }
  if (over) void end()
  void child.exited.then(endsWithRun(end))
  return child
}

/** The whole program, in a process of its own. */
export function startProgram(options: SystemOptions): Promise<System> {
  let starting: Promise<System> | undefined
  const forget = endsWithRun(async () => (await starting?.catch(() => undefined))?.end("SIGKILL"))
  starting = startSystem(options)
  starting.then(({ exited }) => exited).then(forget, forget)
  return starting
}

/** Ends what is left of a part, the last thing first: PostgreSQL after those who use it. */
export async function endAll(): Promise<void> {
  for (const end of [...running].reverse()) {
    running.delete(end)
    await end().catch(() => {})
  }
}

/** Ends everything, and lets nothing begin any more. */
export function endRun(): Promise<void> {
  over = true
  return endAll()
}

export const isOver = () => over
