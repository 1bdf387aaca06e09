// A preload for a program under test: it prints a line when one of the local mailbox's libraries is loaded.

import { plugin } from "bun"

plugin({
  name: "seen modules",
  setup(build) {
    for (const [name, file] of [
      ["smtp-server", "smtp-server/dist/cjs/smtp-server.js"],
      ["mailparser", "mailparser/dist/cjs/index.js"],
    ] as const) {
      build.module(name, () => {
        console.log(`loaded ${name}`)
        return { exports: require(`${import.meta.dir}/../../../node_modules/${file}`), loader: "object" }
      })
    }
  },
})
