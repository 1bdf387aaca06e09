/** The lines that the program prints after its start, by role. */
import { expect, test } from "bun:test"
import { parseConfig } from "#base/config.ts"
import { banner } from "#demo/banner.ts"

const address = "http://127.0.0.1:3000"
const mailbox = `${address}/mailbox?key=x`
const started = (role: string) => {
  const config = parseConfig({ SLOTBASE_ROLE: role })
  return banner({ config, address, embedded: false, rootKey: "sbk_x", demo: undefined, mailbox })
}

test("a server names its addresses, a process of actors names no address that it does not serve", () => {
  for (const text of [`${address}/v1`, "/v1/live", mailbox, "/readyz"]) expect(started("all")).toContain(text)
  for (const text of ["/v1", "/openapi", "/mailbox"]) expect(started("actors")).not.toContain(text)
  expect(started("actors")).toContain("/readyz")
})

test("every role prints the root key together with its meaning", () => {
  for (const role of ["all", "server", "actors"])
    expect(started(role)).toContain("Shown this once: keep it. It is the platform administrator's API key.")
})
