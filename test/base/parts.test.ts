// The parts of a process: their states, their restarts, and the changes that the log hears of.

import { afterEach, expect, test } from "bun:test"
import { parts } from "#base/parts.ts"

const part = "a part of the test"
const heard: string[] = []
afterEach(() => {
  parts.onChange(() => {})
  parts.forget(part)
  heard.length = 0
})

test("a part is well, restarting or ill, and counts its restarts", () => {
  expect(parts.get(part)).toBeUndefined()
  parts.well(part)
  parts.restarting(part, "It has failed.", "some_code")
  expect(parts.get(part)).toEqual({
    part,
    state: "restarting",
    reason: "It has failed.",
    code: "some_code",
    restarts: 0,
  })
  parts.restarted(part)
  parts.ill(part, "It does not heal.")
  expect(parts.list()).toContainEqual({ part, state: "ill", reason: "It does not heal.", restarts: 1 })
  parts.well(part)
  expect(parts.get(part)).toEqual({ part, state: "well", restarts: 1 })
})

test("each change of a state or a code is heard once, and a recovery with its duration", () => {
  parts.onChange(({ state, reason }, { code, sinceMs }) => {
    heard.push(`${state} ${reason ?? ""} ${code ?? ""} ${sinceMs >= 0}`)
  })
  parts.well(part)
  parts.well(part)
  parts.ill(part, "Full.", "full")
  parts.ill(part, "Full.", "full")
  parts.ill(part, "Read-only.", "read_only")
  parts.well(part)
  expect(heard).toEqual(["ill Full.  true", "ill Read-only. full true", "well  read_only true"])
})
