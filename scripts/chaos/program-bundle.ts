// The program of the campaign in one file, because processes start by the hundred. CPU of a start goes missing where
// work is taken over. A start from 1,700 files takes 1.7 seconds of CPU, from one file 1.25, as bytecode 1.0. Bytecode
// itself takes 4.5 seconds of CPU, so it pays only for many starts.

import { rm } from "node:fs/promises"
import { join } from "node:path"

/** Three folders below the project, as src/base/database is: the program looks for sql/ relative to its own file. */
const folder = join(import.meta.dir, `../../node_modules/.cache/fault-campaign-${process.pid}`)

export interface ProgramBundle {
  readonly path: string
  readonly remove: () => Promise<void>
}

export async function bundleProgram({ bytecode }: { bytecode: boolean }): Promise<ProgramBundle> {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "program.ts")],
    target: "bun",
    ...(bytecode && { format: "cjs", bytecode }),
    outdir: folder,
  })
  const [file] = outputs
  if (!file) throw new Error("the program could not be bundled")
  return { path: file.path, remove: () => rm(folder, { recursive: true, force: true }) }
}
