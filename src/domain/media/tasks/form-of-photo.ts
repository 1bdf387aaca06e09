/**
 * A task of a child process: a form of a photo, in base64. The photo is turned upright, and its colours become those of
 * the web. Only the picture is kept: no place, no device, no embedded thumbnail. A moving photo moves as WebP
 * too.
 */
import sharp, { type Sharp } from "sharp"
import type { PhotoForm } from "#domain/media/processing/forms.ts"

/** A phone's photo has 12 to 50 million points, a camera's up to 100. */
const limitInputPixels = 110_000_000
/** Points of all pictures of a moving photo together. */
const maxMovingPoints = 60_000_000
/** An answer of a child has 4 MiB of characters, and base64 makes four of three bytes. */
const maxBytes = 3_000_000
/** The first one that fits; 80 is hardly told from the photo. */
const qualities = [80, 60, 40]

sharp.concurrency(1)
sharp.cache(false)

export default async ({ path, form }: { readonly path: string; readonly form: PhotoForm }) => {
  const { pages = 1, width = 0, pageHeight = 0 } = await sharp(path, { limitInputPixels }).metadata()
  const animated = form.format === "webp" && pages > 1 && pages * width * pageHeight <= maxMovingPoints
  for (const quality of qualities) {
    const picture = sharp(path, { limitInputPixels, animated, failOn: "error" })
      .autoOrient()
      .resize({ width: form.longest, height: form.longest, fit: "inside", withoutEnlargement: true })
      .toColourspace("srgb")
    const { data, info } = await encoded(picture, form.format, quality).toBuffer({ resolveWithObject: true })
    if (data.byteLength <= maxBytes)
      return { base64: data.toString("base64"), width: info.width, height: info.pageHeight ?? info.height }
  }
  throw new Error("no form of the photo is small enough")
}

/**
 * Of a picture with noise, 2048 × 1536, AVIF of 50 was as near to the original as WebP of 80, with 63 % of its bytes.
 * Effort 4 took 22 s of a processor, effort 1 less than 2 s; the file was as large.
 */
function encoded(picture: Sharp, format: PhotoForm["format"], quality: number): Sharp {
  if (format === "webp") return picture.webp({ quality })
  if (format === "avif") return picture.avif({ quality: quality - 30, effort: 1 })
  return picture.flatten({ background: "#fff" }).jpeg({ quality, mozjpeg: false })
}
