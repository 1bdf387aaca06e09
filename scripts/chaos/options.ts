// The command line of the campaign.

import { parseArgs } from "node:util"
import type { Fault } from "./fault.ts"

export interface Options {
  readonly help: boolean
  readonly short: boolean
  readonly seed: number | undefined
  /** Names of faults; none: all faults of the chosen form. */
  readonly only: readonly string[]
  readonly kills: number | undefined
  readonly json: string | undefined
}

export const usage = `./scripts/test chaos [--short] [--seed N] [--only NAME…] [--kills N] [--json FILE]
  --short      the most telling faults, once or twice each; the time limits are lenient
  --seed N     repeats the random choices of an earlier campaign
  --only NAME  this fault alone; may be repeated
  --kills N    how many processes die, shared among the faults that can kill any number
  --json FILE  writes all results to a file`

/** The arguments are invalid; the message says why. */
export class BadOption extends Error {
  readonly _tag = "BadOption"
}

/** Throws BadOption. */
export function parseOptions(args: readonly string[], faults: readonly Pick<Fault, "name" | "sentence">[]): Options {
  const { help, short, seed, only, kills, json } = parsed(args)
  const unknown = only.find((name) => !faults.some((fault) => fault.name === name))
  if (unknown !== undefined) throw new BadOption(`There is no fault "${unknown}". ${listOf(faults)}`)
  return { help, short, only, json, seed: wholeNumber("seed", seed), kills: wholeNumber("kills", kills) }
}

export const listOf = (faults: readonly Pick<Fault, "name" | "sentence">[]): string =>
  `The faults are:\n${faults.map(({ name, sentence }) => `  ${name}: ${sentence}`).join("\n")}`

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", default: false },
        short: { type: "boolean", default: false },
        seed: { type: "string" },
        only: { type: "string", multiple: true, default: [] },
        kills: { type: "string" },
        json: { type: "string" },
      },
    }).values
  } catch (error) {
    throw new BadOption(`${(error as Error).message}\n${usage}`)
  }
}

function wholeNumber(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const number = Number(given)
  if (/^[0-9]+$/.test(given) && number >= 1 && Number.isSafeInteger(number)) return number
  throw new BadOption(`--${name} takes a whole number from 1 on, not "${given}".`)
}
