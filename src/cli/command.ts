/** A command of the command line. */
import type { Config } from "#base/config.ts"
import type { Arguments } from "./arguments.ts"

export interface Command extends Arguments {
  readonly description: string
  /** Answers the exit code. */
  readonly run: (config: Config, args: readonly string[]) => Promise<number>
}
