// A command refuses an argument that it does not take. A typing error must not run the command without its flag.

import { expect, test } from "bun:test"
import { refusalOf } from "#cli/arguments.ts"
import { slotbase } from "#test/harness/setup/command-line.ts"

const demo = { name: "demo", flags: ["--fast", "--back"] }
const jobs = { name: "jobs", words: ["action", "name"] }

test("the flags and words of a command are taken", () => {
  expect(refusalOf(demo, ["--back", "--fast"])).toBeUndefined()
  expect(refusalOf(jobs, [])).toBeUndefined()
  expect(refusalOf(jobs, ["run", "hold-expiration"])).toBeUndefined()
})

test("an unknown argument is refused with the nearest flag, or with the list", () => {
  const demoUse = "./scripts/slotbase demo [--fast] [--back]"
  expect(refusalOf(demo, ["--fats"])).toBe(`demo does not take "--fats": did you mean --fast? ${demoUse}`)
  expect(refusalOf(demo, ["--fast", "now"])).toBe(`demo does not take "now": ${demoUse}`)
  expect(refusalOf({ name: "doctor" }, ["xyz", "--foo"])).toBe(`doctor does not take "xyz": ./scripts/slotbase doctor`)
  expect(refusalOf(jobs, ["run", "retention", "--now"])).toBe(
    `jobs does not take "--now": ./scripts/slotbase jobs [action] [name]`,
  )
  expect(refusalOf(jobs, ["run", "retention", "now"])).toContain(`jobs does not take "now"`)
})

test("the command line refuses before it does anything, with the exit code 2", async () => {
  expect(await slotbase("postgres://nobody@127.0.0.1:1/nowhere", "doctor", "--foo")).toEqual({
    code: 2,
    output: `doctor does not take "--foo": ./scripts/slotbase doctor\n`,
  })
})

test("each command says how it is used when it is asked for help, and does nothing", async () => {
  const nowhere = "postgres://nobody@127.0.0.1:1/nowhere"
  const zones = "compare zone data, and decide what stays of bookings whose zone changed its clocks"
  for (const asked of ["--help", "-h"])
    expect(await slotbase(nowhere, "doctor", asked)).toEqual({
      code: 0,
      output:
        "check the database: migrations, partitions, ledger, what is late, dead letters\n\n./scripts/slotbase doctor\n",
    })
  const { code, output } = await slotbase(nowhere, "zones", "keep-instant", "--help")
  expect([code, output.split("\n")[0]]).toEqual([0, zones])
  expect((await slotbase(nowhere, "help", "doctor")).output).toEndWith("\n./scripts/slotbase doctor\n")
  expect((await slotbase(nowhere, "docter")).output).toContain('There is no command "docter": did you mean doctor?\n')
})
