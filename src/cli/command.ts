/** A command of the command line. */
import type { Config } from "#base/config.ts"

export interface Command {
  readonly name: string
  readonly description: string
  /** Answers the exit code. */
  readonly run: (config: Config, args: readonly string[]) => Promise<number>
}
