/**
 * The coach's feedback on the lesson: a photo, a training video and a voice note. Better words are suggested, the coach
 * approves them, and the parents read them. The video is transcoded meanwhile.
 */
import type { Club } from "./club.ts"
import type { Recordings } from "./recordings.ts"
import type { Body, Stage } from "./stage.ts"

/** A PNG of one pixel. */
const picture = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
)

/** Answers a look at the forms of the video, for later: they take a while. */
export async function giveFeedback(
  stage: Stage,
  { at, coach, child }: Club,
  sessionId: string,
  recordings: Recordings | undefined,
): Promise<() => Promise<void>> {
  const { call, until, say } = stage
  const feedback = await call(coach, "POST", `${at}/feedback`, {
    sessionId,
    studentId: child.id,
    text: "steady rallies from the baseline , next week the second serve",
    skillsWorked: ["Backhand"],
  })
  const add = async (part: string, file: Blob, name: string): Promise<Body> => {
    const upload = new FormData()
    upload.append(part, file, name)
    return call(coach, "POST", `${at}/feedback/${feedback.id}/media`, upload)
  }
  const processed = (what: string, { id }: Body) =>
    until(
      what,
      () => call(coach, "GET", `${at}/media/${id}`),
      ({ processing }) => processing?.state === "done",
    )
  const photo = await add("file", new Blob([picture], { type: "image/png" }), "backhand.png")
  await processed("the thumbnail of the photo", photo)
  if (recordings === undefined) say("  Without ffmpeg there is no video and no voice note.")
  const note = recordings && (await add("voiceNote", recordings.voiceNote, "note.m4a"))
  const video = recordings && (await add("file", recordings.video, "second-serve.mp4"))
  const suggestions = () => call(coach, "GET", `${at}/feedback/${feedback.id}/suggestions`)
  const openOf = ({ data }: Body) =>
    data.find(({ status, transcript }: Body) => status === "open" && (note === undefined || transcript !== null))
  const open = openOf(await until("better words for the feedback", suggestions, (all) => openOf(all) !== undefined))
  if (open.transcript !== null) say(`  The note says: ${open.transcript}`)
  const { approved } = await call(coach, "POST", `${at}/feedback-suggestions/${open.id}/approve`, {})
  await call(coach, "POST", `${at}/feedback/${feedback.id}/publish`, {})
  say(`  The parents read: ${approved.text.replace(/\s+/g, " ")}`)
  return async () => {
    if (video === undefined) return
    const done = await processed("the forms of the video", video).catch(() => undefined)
    const labels = done?.forms.map(({ label }: Body) => label).join(", ")
    // A busy machine may take longer, and the demo waits for no video.
    say(
      labels ? `\nThe training video plays in browsers: ${labels}` : "\nThe training video is still being transcoded.",
    )
  }
}
