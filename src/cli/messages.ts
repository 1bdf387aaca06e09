/** slotbase messages preview: writes every message in every language into a folder, to be looked at in a browser. */
import { resolve } from "node:path"
import { writeGallery } from "#outbound/messages/gallery.ts"
import { valuesOf, wordsOf } from "./arguments.ts"
import type { Command } from "./command.ts"

export const messages: Command = {
  name: "messages",
  options: ["--out"],
  words: ["preview"],
  description: "preview --out FOLDER: writes every mail in every language as a page to look at",

  async run(_config, args) {
    const folder = valuesOf(messages, args)["--out"]
    if (wordsOf(messages, args)[0] !== "preview" || folder === undefined) {
      console.error("Name a folder: ./scripts/slotbase messages preview --out FOLDER")
      return 2
    }
    const count = await writeGallery(resolve(folder))
    console.log(`${count} messages: open ${resolve(folder, "index.html")}`)
    return 0
  },
}
