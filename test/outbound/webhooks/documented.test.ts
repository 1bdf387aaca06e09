// The manual lists exactly the types that a webhook may have, and the headers that its requests may have.

import { expect, test } from "bun:test"
import { webhookHeaders } from "#api/webhook-messages.ts"
import { definitionOf, facilityWebhookEvents } from "#events/catalogue.ts"

test("docs/webhook-configuration.md lists every type that a webhook may have, and where it comes from", async () => {
  const text = await Bun.file(new URL("../../../docs/webhook-configuration.md", import.meta.url)).text()
  const listed = [...text.matchAll(/^\| `([a-z_.]+)` \| (specification|SlotBase) \|$/gm)].map(([, ...row]) => row)
  const origins = { spec: "specification", slotbase: "SlotBase" } as const
  expect(listed).toEqual(facilityWebhookEvents.map((type) => [type, origins[definitionOf(type)?.origin ?? "spec"]]))
})

test("docs/receivers.md lists every header that tells a receiver something", async () => {
  const text = await Bun.file(new URL("../../../docs/receivers.md", import.meta.url)).text()
  const [, table = ""] = /\| header \| says \|\n([\s\S]*?)\n\n/.exec(text) ?? []
  const listed = table
    .split("\n")
    .flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name))
  expect(listed).toEqual(Object.keys(webhookHeaders).filter((name) => !name.startsWith("ce-")))
})
