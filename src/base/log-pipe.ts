/**
 * Writes lines to a pipe without ever waiting for its reader. The write of a console waits while a pipe is full. The
 * whole process waits with it: nobody watches the database, and no signal is heard. Here a line that finds no room is
 * left out and counted. The next line that finds room tells how many there were.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs"

export interface LinePipe {
  readonly write: (line: string) => void
  readonly close: () => void
}

/**
 * A writer for this open pipe; undefined when it is none, such as a file or a terminal, or cannot be opened anew.
 * The pipe is opened anew because the flag not to wait would otherwise also be that of other processes.
 * @param lostLine makes the line that tells how many lines were left out
 */
export function pipeWriter(fd: number, lostLine: (lines: number) => string): LinePipe | undefined {
  let own: number
  try {
    if (!fstatSync(fd).isFIFO()) return undefined
    own = openSync(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  /** The rest of a line that was written in part. */
  let rest: Buffer = Buffer.alloc(0)
  let lost = 0
  /** False when the pipe took nothing. */
  const take = (bytes: Buffer): boolean => {
    let written = 0
    try {
      written = writeSync(own, bytes)
    } catch {
      // The pipe is full, or its reader has gone.
    }
    if (written > 0) rest = bytes.subarray(written)
    return written > 0
  }
  return {
    write(line) {
      if (rest.length > 0) take(rest)
      if (rest.length > 0) {
        lost++
        return
      }
      const told = lost === 0 ? "" : `${lostLine(lost)}\n`
      if (take(Buffer.from(`${told}${line}\n`))) lost = 0
      else lost++
    },
    close: () => closeSync(own),
  }
}
