// Passwords: which ones match a hash, and which are refused when they are set.

import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { requireStrongPassword } from "#access/password-rules.ts"
import { hashPassword, isPassword, passwordCost, setPasswordCost } from "#access/passwords.ts"
import { RuleBroken } from "#base/errors.ts"
import { cheapPasswordCost } from "#test/harness/setup/app.ts"

beforeAll(() => setPasswordCost(passwordCost))
afterAll(() => setPasswordCost(cheapPasswordCost))

test("a password matches its own hash, in any Unicode form of its letters", async () => {
  const hash = await hashPassword("Caf\u00e9 am See", "a", {})
  expect(hash).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$")
  expect(await isPassword("Cafe\u0301 am See", hash, "a")).toBe(true)
  expect(await isPassword("Cafe am See", hash, "a")).toBe(false)
})

test("without a hash nothing matches", async () => {
  expect(await isPassword("anything", null, "a")).toBe(false)
  expect(await isPassword("", undefined, "a")).toBe(false)
})

const mia = { email: "mia.keller@example.com", firstName: "Mia", lastName: "Keller" }
const refusal = (password: string) => {
  try {
    requireStrongPassword(password, mia)
    return undefined
  } catch (error) {
    if (!(error instanceof RuleBroken)) throw error
    return [error.code, /^The password (.+), so it is easy to guess\./.exec(error.message)?.[1], error.faults]
  }
}

describe("a new password is refused when it", () => {
  const fault = [{ path: "body.password", message: "Expected a less common password" }]
  for (const [reason, passwords] of [
    ["is a common one", ["password", "Password", "ｐａｓｓｗｏｒｄ", "iloveyou", "qwertyuiop", "letmein1", "passwort"]],
    ["is a common one", ["Password2026!", "tennis123", "dragon!!!!", "passw0rd1", "SlotBase", "slotbase2026"]],
    ["is blank", ["        ", "\u00a0".repeat(9), "\u3000".repeat(9)]],
    ["repeats the same characters", ["aaaaaaaa", "ababababab", "xyz1xyz1xyz1", "........", "🎾🎾🎾🎾🎾🎾🎾🎾"]],
    ["is a sequence", ["87654321", "abcdefghij", "hgfedcba", "αβγδεζηθ"]],
    [
      "is the person's own name or address",
      ["Mia.Keller", "miakeller", "mia keller 2026", "kellermia1", "mia.keller@example.com", "Keller.Mia"],
    ],
  ] as const) {
    test.each([...passwords])(`${reason}: %s`, (password) => {
      expect(refusal(password)).toEqual(["weak_password", reason, fault])
    })
  }
})

test.each([
  "correct horse battery",
  "a long password 1",
  "kellermeister-im-fass",
  "Wolke7 über Kiel",
  "x7391846",
  "mia keller plays well",
  "абажур на кухне",
])("%s is taken", (password) => {
  expect(refusal(password)).toBeUndefined()
})
