// Everything that a run of the benchmarks has started ends with it.

import { expect, test } from "bun:test"
import { endAll, endsWithRun, owned } from "#scripts/benchmarks/running.ts"

const endless = () => owned(Bun.spawn(["sleep", "60"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" }))

test("all that a part left running ends, the newest first, even when one end fails", async () => {
  const ended: string[] = []
  endsWithRun(async () => void ended.push("the database"))
  endsWithRun(() => Promise.reject(new Error("it is stuck")))
  const child = endless()
  endsWithRun(async () => void ended.push("the receiver"))
  await endAll()
  expect(ended).toEqual(["the receiver", "the database"])
  expect(child.signalCode).toBe("SIGKILL")
})

test("a process that has ended by itself is not ended again", async () => {
  let times = 0
  const forget = endsWithRun(async () => void times++)
  forget()
  await endAll()
  expect(times).toBe(0)
})
