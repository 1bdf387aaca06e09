/**
 * The work of ffmpeg on videos and recordings: MP4 with H.264 and AAC, M4A with AAC, and a JPEG as the thumbnail.
 *
 * - Only the first picture and the first sound go in. Tracks of sensors, such as places, stay out. So do all tags and
 *   chapters: the names of people stand in them.
 * - ffmpeg turns the picture as a player would. The filters measure the turned one, so no header's angle is read here.
 * - The output starts with its index, so a player begins before the whole is there.
 */
import { type Ffmpeg, type FfmpegWork, runFfmpeg } from "./ffmpeg.ts"
import { thumbnailSide, type VideoForm } from "./forms.ts"
import type { FoundTracks } from "./probe.ts"

/** A file of ffmpeg's input, and where a form of it is written. */
export type FormWork = Omit<FfmpegWork, "output"> & { readonly into: string }

const nothingSaid = [
  ...["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"],
  // Without the names and versions of the programs too.
  ...["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"],
]
const sound = ["-c:a", "aac", "-b:a", "128k", "-ac", "2"]
const played = ["-movflags", "+faststart", "-f", "mp4"]
/** Points that are not square become square. */
const squared = "scale=trunc(iw*sar/2)*2:trunc(ih/2)*2,setsar=1"
/** A phone's HDR looks washed out on other screens. */
const toned =
  "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"

/** The filters of a picture whose shorter side has so many points. */
const scaledTo = (side: number, { isHdr }: NonNullable<FoundTracks["picture"]>) =>
  [
    squared,
    `scale=w='if(gte(iw,ih),-2,${side})':h='if(gte(iw,ih),${side},-2)':flags=bicubic`,
    ...(isHdr ? [toned] : []),
    "format=yuv420p",
  ].join(",")

/** @param levelling the filter of its sound; undefined: it has none. @throws as runFfmpeg */
export async function makeVideo(
  tool: Ffmpeg,
  { into, ...work }: FormWork,
  picture: NonNullable<FoundTracks["picture"]>,
  { side }: VideoForm,
  levelling: string | undefined,
): Promise<void> {
  await runFfmpeg(tool, {
    ...work,
    output: [
      ...["-v", "error", "-map", "0:V:0", ...(levelling === undefined ? [] : ["-map", "0:a:0", "-af", levelling])],
      ...nothingSaid,
      ...["-vf", scaledTo(side, picture), "-fpsmax", "60"],
      ...["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-profile:v", "high", "-threads", "2"],
      ...(levelling === undefined ? [] : sound),
      ...played,
      `file:${into}`,
    ],
  })
}

/** @throws as runFfmpeg */
export async function makeSound(tool: Ffmpeg, { into, ...work }: FormWork, levelling: string): Promise<void> {
  await runFfmpeg(tool, {
    ...work,
    output: [
      ...["-v", "error", "-map", "0:a:0", "-vn", "-af", levelling, ...nothingSaid, ...sound],
      ...played,
      `file:${into}`,
    ],
  })
}

/**
 * The most telling of the first hundred pictures. To seek was tried: past the end of a short clip ffmpeg writes
 * nothing, and exits with 0.
 * @throws as runFfmpeg
 */
export async function makeThumbnail(
  tool: Ffmpeg,
  { into, ...work }: FormWork,
  picture: NonNullable<FoundTracks["picture"]>,
): Promise<void> {
  const { isHdr } = picture
  const filters = [
    squared,
    `scale=w='if(gte(iw,ih),min(iw,${thumbnailSide}),-2)':h='if(gte(iw,ih),-2,min(ih,${thumbnailSide}))'`,
    // It keeps all of the hundred: of 3840 × 2160 they would be a gigabyte.
    "thumbnail=n=100",
    ...(isHdr ? [toned] : []),
    "format=yuvj420p",
  ]
  await runFfmpeg(tool, {
    ...work,
    output: [
      ...["-v", "error", "-map", "0:V:0", "-an", ...nothingSaid, "-vf", filters.join(","), "-frames:v", "1"],
      ...["-c:v", "mjpeg", "-q:v", "4", "-f", "mjpeg", `file:${into}`],
    ],
  })
}
