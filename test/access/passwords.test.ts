// Passwords: which ones match a hash, and which do not.

import { expect, test } from "bun:test"
import { hashPassword, isPassword } from "#access/passwords.ts"

test("a password matches its own hash, in any Unicode form of its letters", async () => {
  const hash = await hashPassword("Caf\u00e9 am See", "a")
  expect(hash).toStartWith("$argon2id$")
  expect(await isPassword("Cafe\u0301 am See", hash, "a")).toBe(true)
  expect(await isPassword("Cafe am See", hash, "a")).toBe(false)
})

test("without a hash nothing matches", async () => {
  expect(await isPassword("anything", null, "a")).toBe(false)
  expect(await isPassword("", undefined, "a")).toBe(false)
})
