/**
 * The loudness of a recording, measured and then levelled (EBU R 128). Two passes of ffmpeg's loudnorm: the first one
 * measures, the second one changes the level of the whole and no more than that. A voice note that was spoken far from
 * the phone becomes as loud as the others.
 */
import { type Ffmpeg, type FfmpegWork, runFfmpeg } from "./ffmpeg.ts"

/** LUFS. Speech and music on the web stand at −16; EBU R 128 broadcasts at −23. */
export const targetLoudness = -16
const target = `I=${targetLoudness}:TP=-1.5:LRA=11`

/** As loudnorm prints it, in its own words. */
interface Measured {
  readonly input_i: string
  readonly input_tp: string
  readonly input_lra: string
  readonly input_thresh: string
  readonly target_offset: string
}

/** All channels are mixed to two before they are measured: what is levelled is what is heard. */
const mixed = "aformat=channel_layouts=stereo"
/** Decibels that a recording is turned down by when it is louder than 0 LUFS. loudnorm refuses such a number. */
const turnedDown = 20

/** Quieter than this is silence, LUFS. To level silence would be to amplify the noise. */
const silence = -60

/**
 * The filter that levels the sound of a file. Silence is left as it is.
 * @throws MediaRefused, MediaCutOff
 */
export async function levellingOf(tool: Ffmpeg, work: Omit<FfmpegWork, "output">): Promise<string> {
  const says = await runFfmpeg(tool, {
    ...work,
    output: [
      ...["-v", "info", "-map", "0:a:0", "-vn", "-sn", "-dn"],
      ...["-af", `${mixed},loudnorm=${target}:print_format=json`, "-f", "null", "-"],
    ],
  })
  const measured = measuredIn(says)
  // loudnorm works at 192 kHz, and would leave the sound there.
  if (measured === undefined || !(Number(measured.input_i) > silence)) return `${mixed},aresample=48000`
  const isTooLoud = Number(measured.input_i) > 0 || Number(measured.input_thresh) > 0
  const by = isTooLoud ? turnedDown : 0
  const quieter = (said: string) => (Number(said) - by).toFixed(2)
  return [
    mixed,
    ...(isTooLoud ? [`volume=-${turnedDown}dB`] : []),
    `loudnorm=${target}:linear=true:measured_I=${quieter(measured.input_i)}:measured_TP=${quieter(measured.input_tp)}:measured_LRA=${measured.input_lra}:measured_thresh=${quieter(measured.input_thresh)}:offset=${measured.target_offset}`,
    "aresample=48000",
  ].join(",")
}

const numbers = ["input_i", "input_tp", "input_lra", "input_thresh", "target_offset"] as const

function measuredIn(says: string): Measured | undefined {
  const start = says.lastIndexOf("{")
  const end = says.indexOf("}", start)
  if (start < 0 || end < 0) return undefined
  const found = JSON.parse(says.slice(start, end + 1)) as Measured
  return numbers.every((name) => Number.isFinite(Number(found[name]))) ? found : undefined
}
