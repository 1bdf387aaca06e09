// Passwords: what matches and what does not.

import { expect, test } from "bun:test"
import { hashPassword, isPassword } from "#access/passwords.ts"

test("a password matches its own hash, in whichever form its letters are written", async () => {
  const hash = await hashPassword("Caf\u00e9 am See", "a")
  expect(hash).toStartWith("$argon2id$")
  expect(await isPassword("Cafe\u0301 am See", hash, "a")).toBe(true)
  expect(await isPassword("Cafe am See", hash, "a")).toBe(false)
})

test("without a hash nothing matches", async () => {
  expect(await isPassword("anything", null, "a")).toBe(false)
  expect(await isPassword("", undefined, "a")).toBe(false)
})
