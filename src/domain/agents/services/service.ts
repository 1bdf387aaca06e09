/**
 * A service for text and speech outside, such as a model behind an OpenAI-compatible address. A service is asked once
 * per call and repeats nothing by itself: the caller's policy decides. Its failures are told apart by what to do next.
 */

import type { TokenPrices } from "#base/token-prices.ts"

export interface TextAsked {
  /** What to do, in words. */
  readonly task: string
  /** What to do it with. */
  readonly input: string
  /** JSON Schema of the answer. */
  readonly schema: object
  readonly maxTokens: number
}

export interface SpeechAsked {
  readonly audio: Blob
  readonly fileName: string
}

export interface ServiceAnswer<T> {
  readonly value: T
  /** Tokens, as the service counts them; undefined: it does not say. */
  readonly usedTokens: number | undefined
}

export interface AskOptions {
  /** The same for each repetition of a call. */
  readonly idempotencyKey: string
  readonly signal: AbortSignal
}

export interface AgentService {
  /** The host, for the record of what left. */
  readonly endpoint: string
  readonly textModel: string | undefined
  readonly speechModel: string | undefined
  readonly textPrices: TokenPrices
  readonly speechPrices: TokenPrices
  /** The parsed JSON, of any shape. */
  readonly write: (asked: TextAsked, options: AskOptions) => Promise<ServiceAnswer<unknown>>
  readonly transcribe: (asked: SpeechAsked, options: AskOptions) => Promise<ServiceAnswer<string>>
}

/** The same request can succeed later: the service is busy or away, or the outcome is not known. */
export class ServiceBusy extends Error {
  readonly _tag = "ServiceBusy"
  constructor(
    message: string,
    /** When the service wants to be asked again, milliseconds; undefined: it does not say. */
    readonly retryAfterMs?: number,
  ) {
    super(message)
  }
}

/** The same request cannot succeed: somebody has to do what the message says. */
export class ServiceRefused extends Error {
  readonly _tag = "ServiceRefused"
  constructor(
    message: string,
    /** Tokens that it used all the same. */
    readonly usedTokens = 0,
  ) {
    super(message)
  }
}
