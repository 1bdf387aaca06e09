/** A file as the API answers it. */
import * as Schema from "effect/Schema"
import { Id, Instant, Seconds, Text } from "#base/schema/fact-fields.ts"

const item = {
  id: Id,
  feedbackId: Id,
  mediaType: Schema.Literals(["video", "photo", "audio"]),
  isVoiceNote: Schema.Boolean,
  fileName: Text,
  contentType: Text,
  fileSizeBytes: Schema.Int,
  durationSeconds: Schema.NullOr(Seconds).annotate({ description: "of audio and video, when the file says it" }),
  uploadedBy: Id,
  createdAt: Instant,
} as const

export const MediaItem = Schema.Struct(item).annotate({ identifier: "Media" })
export type MediaAnswer = typeof MediaItem.Type

const Link = Text.annotate({
  description: "where the content can be read without credentials; relative to this server unless it names another",
})

export const MediaForm = Schema.Struct({
  id: Id,
  purpose: Schema.Literals(["thumbnail", "rendition"]),
  label: Text.annotate({
    description: "`thumbnail`, `720p` (the shorter side of a video), `sound`, `webp-1024` (the longer side of a photo)",
  }),
  contentType: Text,
  width: Schema.NullOr(Schema.Int),
  height: Schema.NullOr(Schema.Int),
  durationSeconds: Schema.NullOr(Seconds),
  fileSizeBytes: Schema.Int,
  url: Link,
}).annotate({ identifier: "MediaForm" })
export type MediaForm = typeof MediaForm.Type

export const MediaProcessing = Schema.Struct({
  state: Schema.Literals(["waiting", "running", "done", "failed"]),
  step: Schema.NullOr(Schema.Literals(["reading", "thumbnail", "measuring", "transcoding", "storing"])),
  progress: Schema.Int.annotate({ description: "percent of the work on the file" }),
  reasonCode: Schema.NullOr(
    Schema.Literals(["ffmpeg_missing", "media_unreadable", "media_too_large", "media_too_slow", "media_gave_up"]),
  ).annotate({ description: "why it failed" }),
  reason: Schema.NullOr(Text),
}).annotate({ identifier: "MediaProcessing" })
export type MediaProcessing = typeof MediaProcessing.Type

export const MediaWithAddress = Schema.Struct({
  ...item,
  url: Link,
  urlExpiresAt: Instant.annotate({ description: "of this link and of those of the forms" }),
  processing: Schema.NullOr(MediaProcessing).annotate({
    description: "how far the file is on its way to the forms that browsers play; null: the way has not begun",
  }),
  forms: Schema.Array(MediaForm).annotate({
    description: "the thumbnail first, then from the smallest to the largest",
  }),
}).annotate({ identifier: "MediaWithAddress" })
export type MediaWithAddress = typeof MediaWithAddress.Type
