/** The forms that a file is turned into, by what it is and by its size. */

/** A form to be made. Its label names it among the forms of the file. */
export interface VideoForm {
  readonly label: string
  /** Points of the shorter side; even, as H.264 needs it. */
  readonly side: number
}

/**
 * The rungs of the ladder, points of the shorter side. Three are enough: one for a phone's connection, one for a phone,
 * one for a screen. What is larger than the last is no help to see a stroke.
 */
const rungs = [360, 720, 1080]

/** The rungs that a video reaches, the smallest first. A video below the first one keeps its size. */
export function ladderOf({ width, height }: { readonly width: number; readonly height: number }): readonly VideoForm[] {
  const shorter = Math.max(2, Math.floor(Math.min(width, height) / 2) * 2)
  const reached = rungs.filter((side) => side <= shorter)
  // A video between two rungs also keeps its own size, when that is a quarter more than the rung below.
  const own = shorter < (rungs.at(-1) ?? 0) && shorter > (reached.at(-1) ?? 0) * 1.25 ? [shorter] : []
  return [...reached, ...own].map((side) => ({ label: `${side}p`, side }))
}

export interface PhotoForm {
  readonly label: string
  readonly format: "webp" | "jpeg" | "avif"
  /** Points of the longer side, at most. A smaller photo keeps its size. */
  readonly longest: number
}

/** Points of the longer side of a thumbnail. */
export const thumbnailSide = 480
export const thumbnailOfPhoto: PhotoForm = { label: "thumbnail", format: "jpeg", longest: thumbnailSide }
/** Points of the longer side of the largest form. */
export const largestPhotoSide = 2048
/**
 * For a phone and for a screen, each as AVIF, which is the smallest, and as WebP, which more browsers show. The JPEG is
 * for all other programs. AVIF comes last: it takes the longest to make.
 */
const photoForms: readonly PhotoForm[] = [
  { label: "webp-1024", format: "webp", longest: 1024 },
  { label: "webp-2048", format: "webp", longest: largestPhotoSide },
  { label: "jpeg-2048", format: "jpeg", longest: largestPhotoSide },
  { label: "avif-1024", format: "avif", longest: 1024 },
  { label: "avif-2048", format: "avif", longest: largestPhotoSide },
]

export interface PhotoSize {
  readonly width: number
  readonly height: number
  /** It has several pictures, as a GIF may. */
  readonly isMoving: boolean
}

/**
 * The forms of a photo. One that is no larger than the small ones has no large WebP and AVIF. A moving photo has no
 * AVIF, because libvips would write its first picture only.
 */
export const photoFormsOf = ({ width, height, isMoving }: PhotoSize): readonly PhotoForm[] =>
  photoForms.filter(
    ({ format, longest }) =>
      (format === "jpeg" || longest < largestPhotoSide || Math.max(width, height) > 1024) &&
      !(format === "avif" && isMoving),
  )
