/**
 * Any address that speaks OpenAI's API: `/chat/completions` with a JSON Schema, and `/audio/transcriptions`. It is a
 * client of its own, over the one outgoing guard. The vendor's package repeats requests by a policy that changes with
 * its version, and throws away an answer that it cannot parse.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { AiConfig } from "#base/config.ts"
import { EgressRefused, RequestFailed } from "#base/egress/failures.ts"
import { guardedFetch } from "#base/egress/fetch.ts"
import { pauseAsked } from "#base/egress/retry-after.ts"
import { type AgentService, type AskOptions, ServiceBusy, ServiceRefused } from "./service.ts"

/** Below the time of a handler's run (60 s), so that an answer that does not come is a failure that says so. */
const timeoutMs = 45_000
/** A long text with its JSON is a tenth of it. */
const maxAnswerBytes = 1024 * 1024

const TextAnswer = Schema.Struct({
  choices: Schema.Array(
    Schema.Struct({
      message: Schema.Struct({ content: Schema.NullOr(Schema.String) }),
      finish_reason: Schema.optionalKey(Schema.NullOr(Schema.String)),
    }),
  ),
})
const SpeechAnswer = Schema.Struct({ text: Schema.String })
const Usage = Schema.Struct({ usage: Schema.Struct({ total_tokens: Schema.Finite }) })

/** @param allow networks that may be reached although they are not public, for a model of one's own */
export function openAiCompatible(config: AiConfig, allow: readonly string[]): AgentService {
  const ask = async (path: string, body: string | Uint8Array, type: string, { idempotencyKey, signal }: AskOptions) => {
    const headers = {
      "content-type": type,
      accept: "application/json",
      "idempotency-key": idempotencyKey,
      ...(config.key !== undefined && { authorization: `Bearer ${config.key}` }),
    }
    const limits = { timeoutMs, maxResponseBytes: maxAnswerBytes, allow, signal }
    const answer = await guardedFetch(`${config.url}${path}`, { method: "POST", headers, body, ...limits }).catch(
      failed,
    )
    if (answer.status >= 300) throw refusalOf(answer.status, answer.headers["retry-after"])
    return parsed(answer.body)
  }
  return {
    endpoint: new URL(config.url).host,
    textModel: config.model,
    speechModel: config.speechModel,
    textPrices: config.prices ?? {},
    speechPrices: config.speechPrices ?? {},
    async write({ task, input, schema, maxTokens }, options) {
      const body = {
        model: config.model,
        messages: [
          { role: "system", content: task },
          { role: "user", content: input },
        ],
        max_tokens: maxTokens,
        response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } },
      }
      const answer = await ask("/chat/completions", JSON.stringify(body), "application/json", options)
      const used = usedIn(answer)
      const [choice] = decoded(TextAnswer, answer, used).choices
      if (choice?.finish_reason === "length") throw nonsense("its answer was cut off", used)
      return { value: parsed(choice?.message.content ?? "", used), usedTokens: used }
    },
    async transcribe({ audio, fileName }, options) {
      const form = new FormData()
      form.append("model", config.speechModel ?? "")
      form.append("response_format", "json")
      form.append("file", audio, fileName)
      const encoded = new Response(form)
      const type = encoded.headers.get("content-type") ?? ""
      const answer = await ask("/audio/transcriptions", new Uint8Array(await encoded.arrayBuffer()), type, options)
      const used = usedIn(answer)
      return { value: decoded(SpeechAnswer, answer, used).text.trim(), usedTokens: used }
    },
  }
}

/** Nothing was sent, or the outcome is not known. */
function failed(error: unknown): never {
  if (error instanceof EgressRefused)
    throw new ServiceRefused(`The address in SLOTBASE_AI_URL is refused: ${error.message}`)
  if (error instanceof RequestFailed) throw new ServiceBusy(`The service gave no answer: ${error.message} ${whenWell}`)
  throw error
}

/** For the dead letter, after the last retry. */
const whenWell = "When it is well again, reprocess this dead letter."

function refusalOf(status: number, retryAfter: string | undefined): Error {
  if (status === 408 || status === 409 || status === 429 || status >= 500)
    return new ServiceBusy(`The service answered ${status}. ${whenWell}`, pauseAsked(retryAfter, Date.now()))
  if (status === 401 || status === 403)
    return new ServiceRefused(`The service answered ${status}: check SLOTBASE_AI_KEY, and reprocess this dead letter.`)
  return new ServiceRefused(
    `The service answered ${status}: check SLOTBASE_AI_URL and the names of its models, and reprocess this dead letter.`,
  )
}

function parsed(text: string, used = 0): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw nonsense("its answer is no JSON", used)
  }
}

function decoded<T>(
  schema: Schema.ConstraintCodec<T, unknown, never, never>,
  value: unknown,
  used: number | undefined,
) {
  const result = Schema.decodeUnknownResult(schema)(value)
  if (Result.isSuccess(result)) return result.success as T
  throw nonsense("its answer has another form", used)
}

/** A negative or endless number is no count. */
function usedIn(answer: unknown): number | undefined {
  const result = Schema.decodeUnknownResult(Usage)(answer)
  if (!Result.isSuccess(result)) return undefined
  return Math.min(mostTokens, Math.max(0, Math.ceil(result.success.usage.total_tokens)))
}
const mostTokens = 10_000_000

/** An answer that nobody can use. */
export const nonsense = (what: string, used = 0): ServiceRefused =>
  new ServiceRefused(
    `The service cannot be understood: ${what}. Reprocess this dead letter to ask again, or try another model.`,
    used,
  )
