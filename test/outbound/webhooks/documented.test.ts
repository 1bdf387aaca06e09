// The manual lists exactly the types that a webhook may have.

import { expect, test } from "bun:test"
import { definitionOf, facilityWebhookEvents } from "#events/catalogue.ts"

test("docs/webhook-configuration.md lists every type that a webhook may have, and where it comes from", async () => {
  const text = await Bun.file(new URL("../../../docs/webhook-configuration.md", import.meta.url)).text()
  const listed = [...text.matchAll(/^\| `([a-z_.]+)` \| (specification|SlotBase) \|$/gm)].map(([, ...row]) => row)
  const origins = { spec: "specification", slotbase: "SlotBase" } as const
  expect(listed).toEqual(facilityWebhookEvents.map((type) => [type, origins[definitionOf(type)?.origin ?? "spec"]]))
})
