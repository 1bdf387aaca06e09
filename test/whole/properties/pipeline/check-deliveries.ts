// The deliveries against the model: one for each matching webhook, with an attempt row for each request at the
// receiver. The end of each delivery must follow from the answers.

import type { Delivery, Model, Request } from "./model.ts"
import type { AttemptRow, DeliveryRow, Tables } from "./tables.ts"

/** The system's limit: this many unknown outcomes end a delivery. */
const maxUnknowns = 3

export function* checkDeliveries(model: Model, { deliveries, attempts }: Tables): Iterable<string> {
  const rows = Map.groupBy(deliveries, (row) => `${row.webhook_id}@${row.position}`)
  const made = Map.groupBy(attempts, (attempt) => attempt.delivery_id)
  for (const key of rows.keys()) if (!model.deliveries.has(key)) yield `there is a delivery ${key} that nobody wants`
  for (const [key, delivery] of model.deliveries) {
    const [row, ...others] = rows.get(key) ?? []
    if (!row || others.length > 0) {
      yield `there are ${rows.get(key)?.length ?? 0} deliveries ${key}, not one`
      continue
    }
    const mine = made.get(row.delivery_id) ?? []
    delivery.ended = mine.filter(({ outcome }) => outcome !== "started").length
    for (const problem of [...checkAttempts(model, delivery, row, mine), ...checkEnd(delivery, row, mine)])
      yield `delivery ${key} is ${row.status}: ${problem}`
  }
}

function* checkAttempts(
  model: Model,
  { webhook, event, sequence, requests, seen }: Delivery,
  row: DeliveryRow,
  attempts: readonly AttemptRow[],
): Iterable<string> {
  if (row.event_id !== event.id || row.sequence !== sequence) yield "it is of another event, or has another sequence"
  const ended = attempts.filter(({ outcome }) => outcome !== "started")
  if (row.attempts !== ended.length) yield `it counts ${row.attempts} attempts, there are ${ended.length}`
  if (attempts.some(({ attempt }, nth) => attempt !== nth + 1)) yield "its attempts have a hole"
  if (attempts.slice(0, -1).some(({ outcome }) => outcome === "started")) yield "an attempt was forgotten"

  const sent = new Map(requests.map((request) => [request.attemptId, request]))
  for (const attempt of attempts)
    if (!isTrue(attempt, sent.get(attempt.id), model.kills > 0 || webhook.deleted))
      yield `attempt ${attempt.attempt} is ${attempt.outcome}, the receiver answered ${sent.get(attempt.id)?.status}`
  const known = new Set(attempts.map(({ id }) => id))
  for (const { attemptId } of requests.slice(0, seen))
    if (!known.has(attemptId)) yield `request ${attemptId} is in no table`
  if (new Set(requests.map(({ body }) => body)).size > 1) yield "its body changed between two attempts"
  const body = requests[0] === undefined ? undefined : JSON.parse(requests[0].body)
  if (body && (body.id !== event.id || !Bun.deepEquals(body.data, event.data))) yield "its body is another event"
}

/** Whether the table's attempt agrees with the receiver's request. */
function isTrue({ outcome, response_status }: AttemptRow, request: Request | undefined, mayBeLost: boolean): boolean {
  if (outcome === "started") return true
  if (outcome === "unknown") return mayBeLost
  return request?.status === response_status && (outcome === "delivered") === (request?.status === 200)
}

function* checkEnd(delivery: Delivery, row: DeliveryRow, attempts: readonly AttemptRow[]): Iterable<string> {
  const codes = row.errors?.map(({ error }) => error.code) ?? []
  const abandoned = codes.at(-1) === "webhook_deleted"
  const ended = attempts.filter(({ outcome }) => outcome !== "started")
  const expected = ended.filter(({ outcome }) => outcome !== "delivered").map(codeOf)
  // A request in flight at the deletion of its webhook has no error of its own.
  const found = abandoned ? codes.slice(0, -1) : codes
  const all =
    found.join() === expected.join() || (abandoned && [...found, "unknown_outcome"].join() === expected.join())
  if (!all) yield `its errors are ${codes.join(", ")}, its attempts ${expected.join(", ")}`

  const life = ended.slice(delivery.lifeStart)
  const failures = life.filter(({ outcome, response_status }) => outcome === "failed" && response_status !== 410).length
  const unknowns = life.filter(({ outcome }) => outcome === "unknown").length
  const hopeless = failures > delivery.webhook.maxRetries || unknowns >= maxUnknowns
  if (failures > delivery.webhook.maxRetries + 1) yield `it failed ${failures} times`
  if ((row.status === "failed") !== (hopeless || abandoned))
    yield `it failed ${failures} times, unknown ${unknowns} times`
  if (abandoned && !delivery.webhook.deleted) yield "its webhook is not deleted"
  const delivered = ended.filter(({ outcome }) => outcome === "delivered").length
  if (delivered !== (row.status === "delivered" ? 1 : 0)) yield `it was delivered ${delivered} times`
}

const codeOf = ({ outcome, response_status }: AttemptRow) =>
  outcome === "unknown" ? "unknown_outcome" : `http_${response_status}`
