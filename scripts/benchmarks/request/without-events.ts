// A preload for the program (bun --preload): every import of src/events/outbox.ts gets no-outbox.ts instead. The other
// files of the program, its routes and commands included, are the same.

import { join } from "node:path"
import { plugin } from "bun"

plugin({
  name: "without events",
  setup: (build) => {
    build.onLoad({ filter: /\/src\/events\/outbox\.ts$/ }, () => ({
      contents: `export * from ${JSON.stringify(join(import.meta.dir, "no-outbox.ts"))}`,
      loader: "ts",
    }))
  },
})
