/** The words of messages, as a facility has them: for its administrators. */
import { Elysia } from "elysia"
import { requireAdmin } from "#access/caller.ts"
import { RateLimiter } from "#base/limits/rate-limiter.ts"
import { rates, scaled } from "#base/limits/table.ts"
import type { App } from "#http/app.ts"
import { described } from "#http/describe.ts"
import { facilityIdOf } from "#http/path.ts"
import { addStanding } from "#http/rate-headers.ts"
import { api } from "#http/route.ts"
import { changeableTemplate } from "#outbound/messages/own-words/changeable.ts"
import { checkWords, previewWords } from "#outbound/messages/own-words/check.ts"
import {
  givenWords,
  MessageTemplate,
  MessageTemplates,
  OwnWordsInput,
  WordsPreview,
  WordsPreviewInput,
  WordsQuery,
} from "#outbound/messages/own-words/input.ts"
import { changeWords, listTemplates, readTemplate, resetWords } from "#outbound/messages/own-words/own-words.ts"

const tag = "Message templates"
const fixed = "The words of messages about accounts, and about the program itself, cannot be changed."

export const messageTemplateRoutes = (app: App) => {
  const tried = new RateLimiter(scaled(rates.wordsTried, app.config.requestsPerSecond))
  return new Elysia({ name: "message-templates" })
    .use(api(app))
    .get(
      "/v1/facilities/:facilityId/message-templates",
      async ({ caller, params }) => {
        const { facilityId } = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        return { data: await listTemplates(app.db, facilityId) }
      },
      described({
        tag,
        summary: "List the messages whose words the facility may change",
        description: `For administrators. With the built-in words, and the facility's own. ${fixed}`,
        answer: MessageTemplates,
      }),
    )
    .get(
      "/v1/facilities/:facilityId/message-templates/:templateId",
      async ({ caller, params }) => {
        const { facilityId } = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        return readTemplate(app.db, facilityId, params.templateId)
      },
      described({ tag, summary: "Read the words of a message", answer: MessageTemplate }),
    )
    .put(
      "/v1/facilities/:facilityId/message-templates/:templateId",
      async ({ command, caller, input, body, params, set }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const template = changeableTemplate(params.templateId)
        const given = input(OwnWordsInput, body)
        const words = givenWords(given)
        addStanding(set, tried.require(admin.facilityId))
        return command((tx) => changeWords(tx, admin, template, given.language, words), {
          before: async () => {
            await checkWords(admin.facilityId, template, given.language, words)
          },
        })
      },
      described({
        tag,
        summary: "Change the words of a message in one language",
        description:
          "Replaces the facility's own words in this language; a field that is left out is built in again. Each is one " +
          "line of Liquid: the message's `variables`, its `filters`, and the tags if, unless and case. Words that fail " +
          `at one of the message's samples are refused, with line and column. ${fixed}`,
        body: OwnWordsInput,
        answer: MessageTemplate,
        audited: "message_template.changed",
      }),
    )
    .delete(
      "/v1/facilities/:facilityId/message-templates/:templateId",
      async ({ command, caller, input, query, params }) => {
        const admin = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const { language } = input(WordsQuery, query)
        return command((tx) => resetWords(tx, admin, params.templateId, language))
      },
      described({
        tag,
        summary: "Go back to the built-in words of a message",
        query: WordsQuery,
        audited: "message_template.reset",
      }),
    )
    .post(
      "/v1/facilities/:facilityId/message-templates/:templateId/preview",
      async ({ caller, input, body, params, set }) => {
        const { facilityId } = requireAdmin(await caller(), facilityIdOf(params.facilityId))
        const template = changeableTemplate(params.templateId)
        const { sample, ...given } = input(WordsPreviewInput, body)
        addStanding(set, tried.require(facilityId))
        const words = givenWords(given, "may be none")
        return previewWords(app.db, facilityId, template, { language: given.language, words, sample })
      },
      described({
        tag,
        summary: "Show a message with other words",
        description:
          "Made of the catalogue's sample. A field that is left out has the built-in words. Nothing is saved. Words " +
          "that would not be saved are refused in the same way.",
        body: WordsPreviewInput,
        answer: WordsPreview,
      }),
    )
}
