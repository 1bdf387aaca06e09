/**
 * Lasting troubles of the database: its disk is full or fails, or it takes no writes. The first request or actor that
 * meets one notes it here. The process is then not ready, until a small write succeeds. The write is tried by itself.
 * Writes: slotbase_write_trial (a temporary table of its own).
 */
import { parts } from "#base/parts.ts"
import type { Db } from "./db.ts"
import { type DatabaseTrouble, troubleOf, troubles } from "./errors.ts"

/** The part under which a lasting trouble is shown. */
export const writesPart = "database writes"
/** A refused write costs little, and the process is ready again within two seconds of its mending. */
const tryEveryMs = 1_000
/** Rows of 2 kB, a megabyte in all: a disk with less room would be full again at once. */
const triedRows = 512

/** Notes the trouble. Answers whether it is a lasting one, so that its log line is written here and not per request. */
export function noteTrouble(trouble: DatabaseTrouble | undefined): boolean {
  if (trouble === undefined || !troubles[trouble].lasting) return false
  if (parts.get(writesPart)?.code !== trouble) parts.ill(writesPart, troubles[trouble].says, trouble)
  return true
}

/** Tries a write once a second while a trouble is noted. Returns a function that ends this. */
export function watchWrites(db: Db): () => void {
  let trying = false
  parts.well(writesPart)
  const timer = setInterval(async () => {
    if (trying || parts.get(writesPart)?.state === "well") return
    trying = true
    try {
      await tryWrite(db)
      parts.well(writesPart)
    } catch (error) {
      const trouble = troubleOf(error)
      noteTrouble(trouble)
      // The database refuses the trial itself, such as for want of the right to temporary tables. The next write tells.
      if (trouble === undefined) parts.well(writesPart)
    } finally {
      trying = false
    }
  }, tryEveryMs)
  return () => clearInterval(timer)
}

class Tried extends Error {}

/** Writes a megabyte into a table of its own transaction, which is then rolled back. */
export async function tryWrite(db: Db): Promise<void> {
  const tried = db.begin(async (tx) => {
    await tx`create temporary table slotbase_write_trial (filler text) on commit drop`
    await tx`insert into slotbase_write_trial select repeat('-', 1990) from generate_series(1, ${triedRows}::integer)`
    throw new Tried()
  })
  await tried.catch((error: unknown) => {
    if (!(error instanceof Tried)) throw error
  })
}
