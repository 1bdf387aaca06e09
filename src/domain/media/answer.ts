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

export const MediaWithAddress = Schema.Struct({
  ...item,
  url: Text.annotate({
    description: "where the content can be read without credentials; relative to this server unless it names another",
  }),
  urlExpiresAt: Instant,
}).annotate({ identifier: "MediaWithAddress" })
export type MediaWithAddress = typeof MediaWithAddress.Type
