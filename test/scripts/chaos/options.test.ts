// The command line of the fault campaign: invalid arguments are refused with the reason.

import { expect, test } from "bun:test"
import { BadOption, parseOptions } from "#scripts/chaos/options.ts"

const faults = [{ name: "random-kill", sentence: "Most are killed." }]
const parse = (...args: string[]) => parseOptions(args, faults)
const refusal = (...args: string[]): string => {
  try {
    return `accepted: ${JSON.stringify(parse(...args))}`
  } catch (error) {
    if (!(error instanceof BadOption)) throw error
    return error.message
  }
}

test("without arguments the campaign has the long form, all faults and a random seed", () => {
  expect(parse()).toEqual({ help: false, short: false, only: [], seed: undefined, kills: undefined, json: undefined })
})

test("seed, kills and faults are parsed", () => {
  const args = ["--short", "--seed", "7", "--kills", "5", "--only", "random-kill"]
  expect(parse(...args)).toMatchObject({ short: true, seed: 7, kills: 5, only: ["random-kill"] })
})

for (const given of ["x", "0", "2.5", "-1", "1e3", "", "99999999999999999999"])
  test(`"${given}" is no number of kills and no seed`, () => {
    expect(refusal(`--kills=${given}`)).toBe(`--kills takes a whole number from 1 on, not "${given}".`)
    expect(refusal(`--seed=${given}`)).toBe(`--seed takes a whole number from 1 on, not "${given}".`)
  })

test("an unknown fault is refused with the list, an unknown option with the usage", () => {
  expect(refusal("--only", "flood")).toBe('There is no fault "flood". The faults are:\n  random-kill: Most are killed.')
  expect(refusal("--kill", "5")).toContain("./scripts/test chaos [--short]")
})
