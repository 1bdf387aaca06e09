/**
 * A task of a child process: a HEIC photo as a WebP that the other tasks read, in base64. Its decoder (libheif and
 * libde265) runs as WebAssembly, so a broken file harms no more than its sandbox. A phone's photo is decoded once, and
 * not for each form. The picture is as large as the largest form. The decoder has turned it upright.
 */
import { crc32, deflateSync } from "node:zlib"
import libheif from "libheif-js/wasm-bundle.js"
import sharp from "sharp"
import { largestPhotoSide } from "#domain/media/processing/forms.ts"

/** As in the other task of photos: an answer of a child has 4 MiB of characters. */
const maxBytes = 3_000_000
/** The forms are made from this picture, so nothing of it may be lost to the eye. */
const qualities = [95, 85, 70]

sharp.concurrency(1)
sharp.cache(false)

export default async ({ path }: { readonly path: string }) => {
  const images = new libheif.HeifDecoder().decode(await Bun.file(path).bytes())
  const image = images.find((each) => each.is_primary()) ?? images[0]
  if (image === undefined) throw new Error("there is no picture in the file")
  const [width, height] = [image.get_width(), image.get_height()]
  const { data } = await new Promise<{ readonly data: Uint8ClampedArray }>((resolve, reject) => {
    const picture = { data: new Uint8ClampedArray(width * height * 4), width, height }
    image.display(picture, (shown) => (shown === null ? reject(new Error("the picture is broken")) : resolve(shown)))
  })
  const small = await sharp(new Uint8Array(data.buffer), { raw: { width, height, channels: 4 } })
    .resize({ width: largestPhotoSide, height: largestPhotoSide, fit: "inside", withoutEnlargement: true })
    .png({ compressionLevel: 1 })
    .toBuffer()
  const coloured = withProfile(small, await profileOf(path))
  for (const quality of qualities) {
    const picture = await sharp(coloured).toColourspace("srgb").webp({ quality }).toBuffer()
    if (picture.byteLength <= maxBytes) return picture.toString("base64")
  }
  throw new Error("the picture is not small enough")
}

/** Phones write Display P3: taken for sRGB, its colours would be pale. */
const profileOf = (path: string): Promise<Uint8Array | undefined> =>
  sharp(path, { limitInputPixels: false })
    .metadata()
    .then(
      ({ icc }) => icc,
      () => undefined,
    )

/** A PNG's signature and its first chunk. */
const beforeProfile = 33

/** A PNG whose points are said to be in the colours of a profile. libvips has no other way to take it over. */
function withProfile(png: Buffer, profile: Uint8Array | undefined): Buffer {
  if (profile === undefined) return png
  const chunk = Buffer.concat([Buffer.from("iCCPphoto\0\0", "latin1"), deflateSync(profile)])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(chunk.byteLength - 4)
  sum.writeUInt32BE(crc32(chunk))
  return Buffer.concat([png.subarray(0, beforeProfile), length, chunk, sum, png.subarray(beforeProfile)])
}
