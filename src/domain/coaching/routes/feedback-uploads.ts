/**
 * The two addresses that take files: feedback written with its files in one request, and a file added to a draft.
 * Both read their body as a stream. The right to send files is checked before a byte is read.
 */

import type * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import { type Member, requireMember } from "#access/caller.ts"
import { InvalidInput } from "#base/errors.ts"
import { Feedback } from "#domain/coaching/feedback/answer.ts"
import { createFeedback } from "#domain/coaching/feedback/feedback.ts"
import { addMedia, maxMediaPerFeedback } from "#domain/coaching/feedback/files.ts"
import { FeedbackInput } from "#domain/coaching/feedback/input.ts"
import { requireDraft, requireMayWrite, writableFeedback } from "#domain/coaching/feedback/rights.ts"
import { MediaItem } from "#domain/media/answer.ts"
import { filePart, receiveUpload, type Upload, type UploadTools, voiceNotePart } from "#domain/media/upload.ts"
import type { App } from "#http/app.ts"
import { readBody } from "#http/body.ts"
import { bodyLimits } from "#http/body-limits.ts"
import { refuseComplex } from "#http/complexity.ts"
import { described, jsonSchemaOf } from "#http/describe.ts"
import { isMultipart } from "#http/multipart.ts"
import { facilityIdOf, idOf } from "#http/path.ts"
import { streamingApi } from "#http/route.ts"

const tag = "Feedback"
/** A silent connection is closed after 30 s. Storing a large file takes longer. */
const keepSeconds = 240

export const feedbackUploadRoutes = (app: App & UploadTools) =>
  new Elysia({ name: "feedback-uploads" })
    .use(streamingApi(app))
    .post(
      "/v1/facilities/:facilityId/feedback",
      async ({ command, caller, input, request, server, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        if (!isMultipart(request)) {
          const feedback = input(FeedbackInput, await readBody(request, bodyLimits.large))
          return command((tx) => createFeedback(tx, member, feedback), { status: 201 })
        }
        await requireMayWrite(app.db, member)
        server?.timeout(request, keepSeconds)
        const upload = await receiveUpload(app, request, { ...formOf(member), maxFiles: maxMediaPerFeedback })
        return upload.bind((written) => {
          const feedback = input(FeedbackInput, inputOf(upload))
          return command(
            (tx) => {
              written(tx)
              return createFeedback(tx, member, feedback, upload.files)
            },
            { status: 201 },
          )
        })
      },
      withForm(
        described({
          tag,
          summary: "Write feedback on a student of a session",
          description:
            "For the session's coach and administrators. The body is JSON, or a form with files. The fields of the form are named as in the JSON: `skillsWorked` once per skill, `assessments` as JSON. Its files are `file` and `voiceNote`.",
          body: FeedbackInput,
          bodySize: "large",
          answer: Feedback,
          status: 201,
          events: ["feedback.created", "media.uploaded"],
          problems: [409, 429, 503],
          audited: { action: "feedback.created", by: "staff" },
        }),
        {
          ...formFields,
          [filePart]: files,
          [voiceNotePart]: files,
        },
        ["sessionId", "studentId"],
      ),
    )
    .post(
      "/v1/facilities/:facilityId/feedback/:feedbackId/media",
      async ({ command, caller, request, server, params }) => {
        const member = requireMember(await caller(), facilityIdOf(params.facilityId))
        const draft = await writableFeedback(app.db, member, idOf(params.feedbackId, "feedback"))
        // A repeated request gets its first answer, also when the feedback was published meanwhile.
        if (!request.headers.has("idempotency-key")) requireDraft(draft)
        server?.timeout(request, keepSeconds)
        const upload = await receiveUpload(app, request, { ...formOf(member), maxFiles: 1 })
        return upload.bind((written) => {
          const [file] = upload.files
          const faults = [...upload.fields].filter(isField).map(([name]) => ({
            path: `body.${name}`,
            message: "Expected no field",
          }))
          if (faults.length > 0) throw new InvalidInput(faults)
          if (!file) throw new InvalidInput([{ path: `body.${filePart}`, message: "Missing key" }])
          return command(
            (tx) => {
              written(tx)
              return addMedia(tx, member, draft.id, file)
            },
            { status: 201 },
          )
        })
      },
      withForm(
        described({
          tag,
          summary: "Add a photo, a video, a recording or a voice note to a draft",
          description:
            "For the session's coach and administrators. One file, as `file` or, when it is a voice note, as `voiceNote`. What it is stands in its bytes; its name is a label.",
          answer: MediaItem,
          status: 201,
          events: ["media.uploaded"],
          problems: [409, 413, 415, 422, 429, 503],
          audited: { action: "media.added", by: "staff" },
        }),
        { [filePart]: binary, [voiceNotePart]: binary },
      ),
    )

const formOf = ({ caller, facilityId }: Member) => ({ userId: caller.userId, facilityId })

/** The fields of a form in the shape of the JSON body. The body's Schema checks them. */
function inputOf({ fields }: Upload): Record<string, unknown> {
  return Object.fromEntries(
    [...fields].filter(isField).map(([name, values]) => {
      const [only] = values
      if (name === "skillsWorked") return [name, values]
      if (values.length !== 1 || only === undefined) return [name, values]
      if (name === "rating") return [name, only.trim() === "" ? only : Number(only)]
      return [name, name === "assessments" ? parsed(only) : only]
    }),
  )
}

/** A viewer sends a file that was not chosen as an empty text. */
const isField = ([name, values]: readonly [string, readonly string[]]) =>
  !((name === filePart || name === voiceNotePart) && values.every((value) => value === ""))

function parsed(text: string): unknown {
  refuseComplex(Buffer.from(text), bodyLimits.large)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const binary = { type: "string", format: "binary" }
const fieldsOf = (schema: Schema.Constraint) =>
  (jsonSchemaOf(schema) as { properties: Record<string, object> }).properties
const formFields = {
  ...fieldsOf(FeedbackInput),
  // One text. As a list it would be a part per assessment, and with a media type the viewer would ask for a file.
  assessments: { type: "string", description: "the `assessments` of the JSON body, as JSON" },
}
/** The example is no file: the viewer would fill in a text. */
const files = { type: "array", items: binary, examples: [[]] }

/** A route that takes a form, beside JSON if it takes that. */
function withForm<Route extends ReturnType<typeof described>>(
  route: Route,
  properties: object,
  required: readonly string[] = [],
): Route {
  const { requestBody } = route.detail
  const schema = { type: "object", properties, additionalProperties: false, ...(required.length > 0 && { required }) }
  const content = { ...requestBody?.content, "multipart/form-data": { schema } }
  // The operator sets the size of uploads.
  const { "x-max-body-bytes": _, ...detail } = route.detail
  return { ...route, detail: { ...detail, requestBody: { required: true, content } } } as Route
}
