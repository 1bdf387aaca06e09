// The gallery of all messages, which people look at before a release.

import { expect, test } from "bun:test"
import { galleryFiles } from "#outbound/messages/gallery.ts"
import { samples } from "#outbound/messages/sample-view.ts"

test("the gallery has a page and a text of every message in both languages, each under a name of its own", () => {
  const files = galleryFiles()
  expect(files).toHaveLength(1 + 2 * 2 * samples().length)
  expect(new Set(files.map(({ name }) => name)).size).toBe(files.length)
  for (const { name, content } of files) {
    expect(name).toMatch(/^[a-z0-9_-]+\.(html|txt)$/)
    expect(content).not.toContain(".invalid")
  }
  const mail = files.find(({ name }) => name === "de-waitlist-offered--waitlist-offer.txt")
  expect(mail?.content).toStartWith(
    "Subject: Ein Platz ist frei: Court 1, Do., 12. März 2026, 18:00 Uhr\n\nHallo Mia!\n",
  )
  expect(mail?.content).toContain("Annehmen oder ablehnen: https://book.example.com/link\n")
})
