/**
 * Makes texts of a facility's own words. They are a stranger's program, so they run in a child process that is killed
 * at its limits of time and memory. All texts of a facility that are wanted at once are one call.
 */
import { join } from "node:path"
import { type BoundedTask, ChildPool, NotDone, poolLimits } from "#base/bounded/run-bounded.ts"
import { TooMany } from "#base/errors.ts"
import { turns } from "#base/limits/table.ts"
import { decodeFault } from "#base/liquid-fault.ts"
import { longestOf } from "#outbound/messages/one-line.ts"
import { type WordField, wordFields } from "#outbound/messages/templates/template.ts"
import { type FieldFault, type MadeWords, type WordsJob, wordsTaskMs } from "./limits.ts"

/** No text could be made: the child has ended, or too many calls wait. */
export class WordsNotMade extends Error {
  readonly _tag = "WordsNotMade"
  constructor(
    message: string,
    /** Other words would help. Otherwise the same words may be taken in a moment. */
    readonly blamesWords: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/**
 * For each job the texts of each of its views.
 * @throws WordsNotMade
 */
export async function makeOwnWords(
  facilityId: string,
  jobs: readonly WordsJob[],
): Promise<readonly (readonly MadeWords[])[]> {
  pool ??= new ChildPool({ ...poolLimits, turns: turns.words, memoryBytes: childMemoryBytes, tasksOfOneChild: 5_000 })
  try {
    const made = await pool.run(task, jobs, facilityId)
    if (jobs.every(({ views }, nth) => made[nth]?.length === views.length)) return made
    throw new WordsNotMade(whyNot.crash, true)
  } catch (error) {
    if (error instanceof NotDone)
      throw new WordsNotMade(whyNot[error.reason], wordsFaults.includes(error.reason), { cause: error })
    if (error instanceof TooMany) throw new WordsNotMade("Too many words wait for their turn.", false, { cause: error })
    throw error
  }
}

let pool: ChildPool | undefined

/** The process ids of the children. */
export const wordsChildren = (): readonly number[] => pool?.pids ?? []

/** The words themselves end at a limit of time of their own, long before that of the child. */
const wordsFaults: readonly NotDone["reason"][] = ["memory", "crash"]

/** A child with the template engine and the zones holds 70 MB. */
const childMemoryBytes = 192 * 1024 * 1024

const whyNot: Record<NotDone["reason"], string> = {
  time: "The texts were not made in time, because the program has too much to do.",
  memory: "The words take too much memory.",
  crash: "The words end the process that makes the texts.",
  killed: "The process that made the texts was ended.",
  start: "No process could be started for the words.",
}

const task: BoundedTask<readonly WordsJob[], readonly (readonly MadeWords[])[]> = {
  module: join(import.meta.dir, "tasks/make-words.ts"),
  timeMs: wordsTaskMs,
  decode: (answer) => listIn(answer).map((job) => listIn(job).map(madeIn)),
}

const listIn = (value: unknown): readonly unknown[] => {
  if (!Array.isArray(value)) throw new Error("another form")
  return value
}

function madeIn(value: unknown): MadeWords {
  const { texts, faults } = value as { texts?: object; faults?: unknown }
  if (texts === undefined)
    return { faults: listIn(faults).map((fault): FieldFault => ({ ...decodeFault(fault), field: fieldIn(fault) })) }
  for (const [field, text] of Object.entries(texts))
    if (typeof text !== "string" || text.length > longestOf(knownField(field))) throw new Error("another form")
  return { texts }
}

const fieldIn = (fault: unknown) => knownField((fault as { field?: unknown }).field)

function knownField(field: unknown): WordField {
  const known = wordFields.find((each) => each === field)
  if (known === undefined) throw new Error("another form")
  return known
}
