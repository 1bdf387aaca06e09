/**
 * Renders a facility's own template. It is a stranger's program, so it runs in a child process that is killed at its
 * limits of time and memory. LiquidJS counts most memory, and not what `capture` makes. The children are apart from
 * those of files, so that templates and uploads never wait for each other.
 */
import { join } from "node:path"
import { type BoundedTask, ChildPool, NotDone, poolLimits } from "#base/bounded/run-bounded.ts"
import { clock } from "#base/clock.ts"
import { turns } from "#base/limits/table.ts"
import { decodeFault } from "#base/liquid-fault.ts"
import type { DomainEvent } from "#events/envelope.ts"
import { defaultContentType } from "./content-type.ts"
import { type BodyFacility, type BodyFormat, BodyNotMade, type MadeBody } from "./format.ts"
import { maxRenderedLength, type RenderAnswer, type RenderRequest, renderMs } from "./template-limits.ts"

/** The child is killed after this time, its start included: one step of a template may be long. */
const taskMs = 10_000

/** @throws BodyNotMade; TooMany */
export async function renderTemplate(
  event: DomainEvent,
  wanted: BodyFormat,
  facility: BodyFacility,
): Promise<MadeBody> {
  const contentType = wanted.content_type ?? defaultContentType
  const request: RenderRequest = {
    template: wanted.template ?? "",
    contentType,
    timezone: facility.timezone,
    now: clock.now(),
    view: { ...event, facility },
  }
  const answer = await render(request, facility.id)
  if ("fault" in answer) throw new BodyNotMade(answer.fault)
  return { body: answer.text, contentType, headers: {} }
}

async function render(request: RenderRequest, owner: string): Promise<RenderAnswer> {
  pool ??= new ChildPool({
    ...poolLimits,
    turns: turns.template,
    memoryBytes: childMemoryBytes,
    tasksOfOneChild: 5_000,
  })
  try {
    return await pool.run(task, request, owner)
  } catch (error) {
    if (error instanceof NotDone) return { fault: { message: whyNot[error.reason] } }
    throw error
  }
}

let pool: ChildPool | undefined

/** A child with the template engine holds 60 MB. */
const childMemoryBytes = 192 * 1024 * 1024

const whyNot: Record<NotDone["reason"], string> = {
  time: `The template takes longer than ${renderMs} ms.`,
  memory: "The template takes too much memory.",
  crash: "The template ends the process that renders it.",
  killed: "The process that rendered the template was ended.",
  start: "No process could be started for the template.",
}

const task: BoundedTask<RenderRequest, RenderAnswer> = {
  module: join(import.meta.dir, "tasks/liquid.ts"),
  timeMs: taskMs,
  decode: (answer) => {
    const given = answer as { text?: unknown; fault?: unknown }
    if (typeof given.text === "string" && given.text.length <= maxRenderedLength) return { text: given.text }
    return { fault: decodeFault(given.fault) }
  },
}
