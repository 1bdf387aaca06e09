// The limits on tries to sign in, without the passwords: what counts on whom, and what is given back.

import { afterAll, beforeAll, expect, spyOn, test } from "bun:test"
import { beginSignIn } from "#access/sign-in-shares.ts"
import { TooMany } from "#base/errors.ts"
import { newId } from "#base/ids.ts"

let at = performance.now()
beforeAll(() => {
  spyOn(performance, "now").mockImplementation(() => at)
})
afterAll(() => {
  spyOn(performance, "now").mockRestore()
})

const anAccount = () => `${newId()}@example.com`
/** A network of its own for each test. */
const network = () => {
  const own = newId()
  return (nth: number) => `${own} ${nth}`
}
/** A wrong try from an address that the account does not know; false: it was refused. */
function stranger(share: string, email: string): boolean {
  try {
    beginSignIn(share, email).requireStranger()
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(TooMany)
    return false
  }
}
const allowed = (tries: number, act: (nth: number) => boolean) =>
  Array.from({ length: tries }, (_, nth) => act(nth)).filter(Boolean).length

test("of the first tries of 300 addresses at one account thirty are allowed, and then one in five seconds", () => {
  const [email, address] = [anAccount(), network()]
  expect(allowed(300, (nth) => stranger(address(nth), email))).toBe(30)
  at += 10_000
  // Those that were refused are still newcomers.
  expect(allowed(300, (nth) => stranger(address(299 - nth), email))).toBeGreaterThanOrEqual(2)
  expect(stranger(address(1_000), anAccount())).toBe(true)
})

test("further tries at one account share one bucket, and leave newcomers theirs", () => {
  const [email, address] = [anAccount(), network()]
  expect(allowed(5 * 9, (nth) => stranger(address(nth % 5), email))).toBe(5 + 20)
  expect(allowed(30, (nth) => stranger(address(100 + nth), email))).toBe(25)
})

test("an address has ten tries at an account, and one more in ten seconds, also where its owner is known", () => {
  const [email, address] = [anAccount(), network()]
  const known = (email: string) => {
    try {
      return beginSignIn(address(1), email).standing.left
    } catch (error) {
      return (error as TooMany).retryAfterSeconds
    }
  }
  expect(Array.from({ length: 10 }, () => known(email))).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
  expect([known(email), known(email)]).toEqual([10, 10])
  at += 4_000
  expect(known(email)).toBe(6)
  at += 6_000
  expect(known(email)).toBe(0)
})

test("failed tries of one address at all accounts are limited, and a success gives its counts back", () => {
  const address = network()
  for (let nth = 0; nth < 100; nth++) {
    const begun = beginSignIn(address(1), anAccount())
    begun.requireStranger()
    begun.succeeded()
  }
  expect(allowed(100, () => stranger(address(1), anAccount()))).toBe(60)
  expect(stranger(address(2), anAccount())).toBe(true)
})

test("the right password clears the wrong tries of its address at the account", () => {
  const [email, address] = [anAccount(), network()]
  for (let nth = 0; nth < 9; nth++) beginSignIn(address(1), email)
  beginSignIn(address(1), email).succeeded()
  expect(beginSignIn(address(1), email).standing.left).toBe(9)
})
