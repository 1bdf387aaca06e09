// The demo of many days refuses options that make no sense. The README and `./scripts/test month` play days.

import { expect, test } from "bun:test"
import { slotbaseWith } from "#test/harness/setup/command-line.ts"

test.each([
  [["--days", "1"], "--days takes a whole number from 2 to 400."],
  [["--days", "many"], "--days takes a whole number from 2 to 400."],
  [["--days", "3", "--seed", "x"], "--seed takes a whole number."],
  [["--seed", "3"], "--seed goes with --days."],
])("%p is refused", async (args, says) => {
  const { code, output } = await slotbaseWith({ DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" }, "demo", ...args)
  expect([code, output]).toEqual([1, `${says}\n`])
})
