/**
 * Every message in every language, as files to look at: each mail as HTML and text, and an index. The people and times
 * are those of the catalogue's samples.
 */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { languages } from "#base/languages.ts"
import { linkPlaces } from "./link-place.ts"
import { render } from "./render.ts"
import { type Sample, samples } from "./sample-view.ts"

export interface GalleryFile {
  /** Such as "de-booking-confirmation-participant-1.html". */
  readonly name: string
  readonly content: string
}

/** The files, the index first. */
export function galleryFiles(): readonly GalleryFile[] {
  const shown = languages.flatMap((language) =>
    samples().map((sample) => {
      const message = render(sample.templateId, sample.view, language)
      return { name: `${language}-${nameOf(sample)}`, language, sample, ...message }
    }),
  )
  const rows = shown.map(
    ({ name, subject, short, sample: { type } }) =>
      `<tr><td><a href="${name}.html">${escapedText(subject)}</a><br><small>${escapedText(short)}</small></td>` +
      `<td>${type}</td><td><a href="${name}.txt">text</a></td></tr>`,
  )
  const index = `<!doctype html><meta charset="utf-8"><title>Messages</title><table>${rows.join("\n")}</table>\n`
  return [
    { name: "index.html", content: index },
    ...shown.flatMap(({ name, html, text, subject }) => [
      { name: `${name}.html`, content: withExampleLinks(html) },
      { name: `${name}.txt`, content: withExampleLinks(`Subject: ${subject}\n\n${text}`) },
    ]),
  ]
}

/** Writes the files into a folder, which is made if it is missing. Answers how many messages there are. */
export async function writeGallery(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true })
  const files = galleryFiles()
  await Promise.all(files.map(({ name, content }) => Bun.write(join(folder, name), content)))
  return (files.length - 1) / 2
}

const nameOf = ({ type, templateId, variant }: Sample) =>
  [type.replaceAll(/[._]/g, "-"), templateId, variant.replaceAll(" ", "-")].filter((part) => part !== "").join("--")

/** A text to look at: its links lead nowhere. */
export const withExampleLinks = (text: string): string =>
  Object.values(linkPlaces).reduce((all, place) => all.replaceAll(place, "https://book.example.com/link"), text)

const escapedText = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
