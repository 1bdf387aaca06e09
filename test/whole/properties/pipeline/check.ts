// The tables against the model, at any moment. Every difference is a sentence.
//
// - P2: each run and each delivery exists exactly once.
// - P5: work that failed for good is a dead letter with all its errors, and no other work is.
// - P7: positions are dense and in the order of recording.

import { checkDeliveries } from "./check-deliveries.ts"
import { isTransactional, type Model, maxRetries, type Run } from "./model.ts"
import type { RunRow, Tables } from "./tables.ts"

export function differences(model: Model, tables: Tables): string[] {
  model.attachEarly()
  return [
    ...model.problems,
    ...checkLog(model, tables),
    ...checkRuns(model, tables),
    ...checkDeliveries(model, tables),
    ...checkLetters(model, tables),
    ...tables.unbalanced.map((position) => `the ledger is not balanced at ${position}`),
  ]
}

function* checkLog(model: Model, { log, outbox }: Tables): Iterable<string> {
  const expected = model.log.map(({ id }, nth) => `${model.base + nth + 1} ${id}`)
  const found = log.map(({ position, event_id }) => `${position} ${event_id}`)
  if (found.join() !== expected.join()) yield `the log is\n  ${found.join("\n  ")}\nnot\n  ${expected.join("\n  ")}`
  const waiting = model.pending.filter((event) => event.committed).map((event) => event.id)
  if (outbox.join() !== waiting.join()) yield `the outbox holds ${outbox.join()}, not ${waiting.join()}`
}

function* checkRuns(model: Model, { runs, effects }: Tables): Iterable<string> {
  const rows = Map.groupBy(runs, (row) => `${row.handler}@${row.position}`)
  const done = Map.groupBy(effects, (row) => `${row.handler}@${row.position}`)
  for (const key of rows.keys()) if (!model.runs.has(key)) yield `there is a run ${key} that nobody is subscribed to`
  for (const [key, run] of model.runs) {
    const [row, ...others] = rows.get(key) ?? []
    if (!row || others.length > 0) {
      yield `there are ${rows.get(key)?.length ?? 0} runs ${key}, not one`
      continue
    }
    for (const problem of checkRun(run, row)) yield `${key} is ${row.status}: ${problem}`
    const wanted = isTransactional(run.handler) && isEnded(row) ? 1 : 0
    const found = done.get(key)?.length ?? 0
    if (found !== wanted) yield `${key} is ${row.status} and has happened ${found} times`
  }
}

const isEnded = ({ status }: RunRow) => status === "success" || status === "skipped"

function* checkRun({ event, handler, calls, losses }: Run, row: RunRow): Iterable<string> {
  const limit = maxRetries[handler] + 1
  const messages = messagesOf(row.errors)
  const failures = messages.filter((message) => message !== abandonedMessage)
  const dead = row.status === "dead_letter"
  const last = calls.findLast(({ outcome }) => outcome !== "lost")
  const gaveUp = calls.some(({ outcome, message }) => outcome === "giveUp" && message === messages.at(-1))
  const given = calls.filter(({ outcome }) => outcome === "fail" || outcome === "giveUp")
  const certain = given.filter((call) => call.sure).map((call) => call.message)

  if (row.event_id !== event.id) yield "it is of another event"
  if (
    !isWithin(
      failures,
      given.map((call) => call.message),
    )
  )
    yield `its errors are ${messages.join(", ")}`
  if (!isWithin(certain, failures)) yield `of its errors some are missing: ${certain.join(", ")}`
  if (messages.length - failures.length > losses) yield "it was abandoned more often than a process died"
  if (row.attempts !== messages.length + (isEnded(row) ? 1 : 0)) yield `it counts ${row.attempts} attempts`
  const wanted = { done: "success", skip: "skipped" } as Record<string, string>
  if (last?.sure && last.outcome in wanted && row.status !== wanted[last.outcome]) yield `it ended with ${last.outcome}`
  if (isEnded(row) && !calls.some(({ outcome }) => wanted[outcome] === row.status)) yield "nobody has done it"
  if (messages.length > limit) yield `it has ${messages.length} errors, ${limit} is all it may have`
  // Taken over from a crashed process for the last time, and not yet handled.
  if (!dead && messages.at(-1) === abandonedMessage) return
  const hopeless = gaveUp || messages.length === limit || (handler === "PaymentHandler" && messages.length > 0)
  if (dead !== hopeless) yield `its errors are ${messages.join(", ")}`
}

function* checkLetters(model: Model, { letters, runs, deliveries }: Tables): Iterable<string> {
  const open = letters.filter(({ resolution }) => resolution === null).map(keyOf)
  const abandoned = letters.filter(({ resolution }) => resolution === "ignored").map(keyOf)
  const isAbandoned = (errors: RunRow["errors"]) => errors?.at(-1)?.error.code === "webhook_deleted"
  const failed = deliveries.filter(({ status }) => status === "failed")
  const expected = [
    ...runs.filter(({ status }) => status === "dead_letter").map(keyOf),
    ...failed.filter(({ errors }) => !isAbandoned(errors)).map(keyOf),
    ...model.refused.map(({ id }) => `${id} dispatcher`),
  ]
  yield* difference("the open dead letters", open, expected)
  yield* difference("the ignored ones", abandoned, failed.filter(({ errors }) => isAbandoned(errors)).map(keyOf))

  const errors = new Map([...runs, ...deliveries].map((row) => [keyOf(row), messagesOf(row.errors)]))
  const past = new Map([...model.runs.values()].map((run) => [`${run.event.id} ${run.handler}`, run.past]))
  const events = new Map([...model.log, ...model.refused].map((event) => [event.id, event]))
  for (const letter of letters) {
    const key = keyOf(letter)
    const event = events.get(letter.event_id)
    if (!Bun.deepEquals(letter.event.data, event?.data) || letter.event.id !== event?.id)
      yield `the dead letter ${key} has another event`
    if (letter.resolution !== null || letter.handler === "dispatcher") continue
    const all = [...(past.get(key) ?? []), ...(errors.get(key) ?? [])]
    if (messagesOf(letter.errors).join() !== all.join())
      yield `the dead letter ${key} has the errors ${messagesOf(letter.errors).join()}, not ${all.join()}`
  }
}

const abandonedMessage = "the process ended while it handled this event in quarantine; the outcome is unknown"

export const messagesOf = (errors: RunRow["errors"]) => errors?.map(({ error }) => error.message) ?? []

const keyOf = (row: { event_id: string; handler?: string | null; delivery_id?: string | null }): string =>
  `${row.event_id} ${row.handler ?? row.delivery_id}`

function* difference(what: string, found: readonly string[], expected: readonly string[]): Iterable<string> {
  const [a, b] = [found.toSorted().join(", "), expected.toSorted().join(", ")]
  if (a !== b) yield `${what} are ${a || "none"}, not ${b || "none"}`
}

/** Whether `part` is a subsequence of `whole`. */
function isWithin(part: readonly string[], whole: readonly string[]): boolean {
  let at = -1
  return part.every((each) => {
    at = whole.indexOf(each, at + 1)
    return at >= 0
  })
}
