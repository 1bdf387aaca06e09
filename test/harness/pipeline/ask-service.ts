// A process that asks a service for an agent, started as `bun ask-service.ts <database> <service> <facility> <event>`.
// A test kills it while the service answers.

import { connect } from "#base/database/db.ts"
import { askOnce } from "#domain/agents/calls/ask.ts"
import { openAiCompatible } from "#domain/agents/services/openai-compatible.ts"

const [database = "", url = "", facilityId = "", eventId = ""] = process.argv.slice(2)
const db = connect(database, { max: 2, applicationName: "slotbase test agent" })
const ai = { url, key: undefined, model: "writer-1", speechModel: undefined }
const service = openAiCompatible(ai, ["127.0.0.0/8"])
const call = {
  ...({ facilityId, eventId, agent: "FeedbackEnhancementAgent", purpose: "text", model: "writer-1" } as const),
  ...{ endpoint: service.endpoint, subjectId: eventId, aboutChild: false, sent: { noteCharacters: 10 }, reserve: 400 },
}
const asked = { task: "Tidy.", input: "text", schema: {}, maxTokens: 100 }
const answer = await askOnce(db, call, new AbortController().signal, (options) => service.write(asked, options))
console.log(JSON.stringify(answer))
await db.end()
