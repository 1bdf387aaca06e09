/**
 * Turns a voice note into text. Words that the phone has written into the file are taken as they are, and nothing
 * leaves the system. Others need a speech service outside: no rules could hear them. Without a service, or where the
 * facility allows none, the note stays untranscribed, and the answer says why.
 */
import type { Db } from "#base/database/db.ts"
import { askOnce } from "#domain/agents/calls/ask.ts"
import { nonsense } from "#domain/agents/services/openai-compatible.ts"
import type { AgentService } from "#domain/agents/services/service.ts"
import { type AboutFeedback, whyNoPrice } from "./about.ts"
import { wordsInFile } from "./words-in-file.ts"

/** `model` is null when the words stood in the file. */
export type Transcription = { readonly transcript: string; readonly model: string | null } | { readonly why: string }

export interface VoiceNote {
  readonly mediaId: string
  readonly fileName: string
  readonly fileSizeBytes: number
  /** Null: not known. */
  readonly durationSeconds: number | null
  readonly read: () => Promise<Blob | undefined>
}

interface TranscribeAsked {
  readonly db: Db
  readonly service: AgentService | undefined
  readonly facilityId: string
  readonly eventId: string
  readonly agent: string
  readonly about: AboutFeedback
  readonly note: VoiceNote
  readonly signal: AbortSignal
}

/** The limit of the API that services copy. */
const maxBytes = 25 * 1024 * 1024
const maxCharacters = 10_000
/** What a second of speech reserves, and is taken for where the service counts nothing. */
const tokensPerSecond = 10
/** Sound of phones has 4 kB a second or more. */
const leastBytesPerSecond = 4_000

/** Throws ServiceBusy, ServiceRefused. */
export async function transcribeNote(asked: TranscribeAsked): Promise<Transcription> {
  const { db, service, facilityId, eventId, agent, about, note, signal } = asked
  const written = await note.read()
  const words = written && (await wordsInFile(written))
  if (words !== undefined) return { transcript: words, model: null }
  const model = service?.speechModel
  if (service === undefined || model === undefined) return { why: "No speech service is configured." }
  if (!about.mayLeave)
    return {
      why: about.isChild ? "The facility does not let a child's words leave." : "The facility lets no words leave.",
    }
  const noPrice = whyNoPrice(about, service.speechPrices)
  if (noPrice !== undefined) return { why: noPrice }
  if (note.fileSizeBytes > maxBytes) return { why: "The voice note is larger than 25 MiB." }
  const audio = written
  if (audio === undefined) return { why: "The file is no longer there." }
  const seconds = Math.max(1, Math.ceil(note.durationSeconds ?? note.fileSizeBytes / leastBytesPerSecond))
  const call = {
    ...({ facilityId, eventId, agent, purpose: "transcription", endpoint: service.endpoint, model } as const),
    ...{ subjectId: note.mediaId, aboutChild: about.isChild },
    sent: { audioBytes: note.fileSizeBytes, seconds },
    reserve: seconds * tokensPerSecond,
    prices: service.speechPrices,
  }
  // The file's own name may hold the name of a person.
  const extension = /\.[a-z0-9]{1,5}$/i.exec(note.fileName)?.[0] ?? ""
  const text = await askOnce(db, call, signal, async (options) => {
    const answer = await service.transcribe({ audio, fileName: `note${extension}` }, options)
    if (answer.value.length > maxCharacters) throw nonsense("its transcript is too long", answer.usedTokens)
    return { ...answer, value: answer.value.toWellFormed().replace(unwanted, " ").trim() }
  })
  if (text === undefined) return { why: "The month's budget for services is used up." }
  return text === "" ? { why: "The service heard no words." } : { transcript: text, model }
}

/** Control characters but line breaks and tabs. */
const unwanted = /[^\P{Cc}\n\t]/gu
