// Preloaded into the program (bun --preload): whoever imports src/events/outbox.ts gets no-outbox.ts instead. The rest of the program,
// its routes and commands included, is the same files.

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
