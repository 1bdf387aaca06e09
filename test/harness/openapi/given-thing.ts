// The thing that the last id of an address names, made before a request without a body is pasted. Each request gets a
// thing of its own, so that one which ends its thing takes nothing from another.

import { GiveUp } from "#actors/handlers/handler.ts"
import { exampleBodies } from "#api/examples.ts"
import { newId } from "#base/ids.ts"
import { makeReport } from "#domain/figures/reports/make.ts"
import { example } from "#events/example.ts"
import { run } from "#test/harness/club/club.ts"
import { invoiceOf, sellerSettings } from "#test/harness/club/invoices.ts"
import { jpeg } from "#test/harness/club/media-files.ts"
import { dispatchAll, processRow, subscribe } from "#test/harness/pipeline/pipeline.ts"
import { actorOf, drain } from "#test/harness/pipeline/runs.ts"
import { rootKey } from "#test/harness/setup/system.ts"
import {
  block,
  booked,
  calendarSync,
  type Desk,
  feedback,
  type Given,
  invited,
  named,
  noticed,
  offered,
  owedRefund,
  paidAccount,
  series,
  session,
  signedUp,
  subscribed,
  webhook,
} from "./desk.ts"

const f = "/v1/facilities/{facilityId}"
const { playerId, coachId } = example

/** An invoice of a payment. */
async function paper({ api, at, post, court, hour }: Desk, pay: Desk["post"]): Promise<Given> {
  await api.call("PUT", `${at}/invoice-settings`, { body: sellerSettings })
  const { id } = await post(`${at}/holds`, { resourceId: court, bookerId: playerId, ...hour() })
  const payment = await pay(`${at}/payments`, { referenceType: "booking", referenceId: id, cardToken: "tok_visa" })
  return { ids: { invoiceId: await invoiceOf(api.database.db, payment.facilityId, payment.id) } }
}

/** The same, of the player's own payment. */
async function ownPaper(desk: Desk): Promise<Given> {
  const token = await desk.tokenOf(playerId)
  return { ...(await paper(desk, (path, body) => desk.post(path, body, token))), token }
}

/** Before a request without a body is pasted: what its operation needs, else the thing of the last id of its path. */
export async function givenThing(name: string, desk: Desk): Promise<Given> {
  const [, last] = /\/([^/{}]+)\/\{\w+\}(?!.*\{)/.exec(name) ?? []
  const make = operations[name] ?? (name.includes(`${f}/subscription`) ? subscribed : things[last ?? ""])
  return (await make?.(desk)) ?? { ids: {} }
}

const operations: Readonly<Record<string, (desk: Desk) => Promise<Given>>> = {
  // The session that ends is no other's.
  "DELETE /v1/sessions": async ({ tokenOf }) => ({ ids: {}, token: await tokenOf(playerId) }),
  "GET /v1/me/sessions": signedUp,
  "DELETE /v1/me/sessions": signedUp,
  "GET /v1/me/phone": signedUp,
  "DELETE /v1/me/phone": async (desk) => {
    const given = await signedUp(desk)
    const body = { number: "+4915112345678" }
    await desk.api.call("PUT", "/v1/me/phone", { token: given.token ?? null, body })
    return given
  },
  "GET /v1/me/invoices/{invoiceId}/pdf": ownPaper,
  "GET /v1/me/invoices/{invoiceId}/xml": ownPaper,
  "GET /v1/me/notifications": noticed,
  "POST /v1/me/notifications/{id}/read": noticed,
  "GET /v1/me/message-preferences": signedUp,
  "GET /v1/me/push-subscriptions": signedUp,
  "DELETE /v1/me/push-subscriptions/{id}": async (desk) => {
    const { ids, token = "" } = await signedUp(desk)
    const body = exampleBodies["POST /v1/me/push-subscriptions"]
    const { id } = (await desk.api.call("POST", "/v1/me/push-subscriptions", { token, body })).body
    return { ids: { ...ids, [example.pushSubscriptionId]: id }, token }
  },
  "DELETE /v1/me/sessions/{id}": async (desk) => {
    const { ids, token = "" } = await signedUp(desk)
    const { body } = await desk.api.call("GET", "/v1/me/sessions", { token })
    return { ids: { ...ids, [example.userSessionId]: body.data[0].id }, token }
  },
  "DELETE /v1/users/{id}/roles": async ({ api }) => {
    const { id } = await api.person("player", example.facilityId)
    return { ids: { [playerId]: id } }
  },
  [`DELETE ${f}/billing-accounts/{billingAccountId}/members/{userId}`]: async ({ api, at, post }) => {
    const [parent, child] = [
      await api.person("player", example.facilityId),
      await api.person("player", example.facilityId),
    ]
    const account = { type: "family", ownerId: parent.id, memberIds: [child.id] }
    const { id } = await post(`${at}/billing-accounts`, account)
    return { ids: { [example.billingAccountId]: id, [coachId]: child.id } }
  },
  "GET /v1/media/{mediaId}/content": async (desk) => {
    const { id, url } = await media(desk)
    const { expires, signature } = Object.fromEntries(new URL(url, "http://slotbase.test").searchParams)
    return { ids: { mediaId: id, expires: expires ?? "", signature: signature ?? "" } }
  },
  [`POST ${f}/replays/{id}/resume`]: pausedReplay,
  "POST /v1/replays/{id}/resume": pausedReplay,
  // A booker shows the code of their own booking.
  [`GET ${f}/bookings/{bookingId}/check-in-code`]: async (desk) => ({
    ...named((await booked(desk)).id),
    token: await desk.tokenOf(playerId),
  }),
}

/** By the part of the address before the id. */
const things: Readonly<Record<string, (desk: Desk) => Promise<Given>>> = {
  bookings: async (desk) => named((await booked(desk)).id),
  holds: async ({ at, post, court, hour }) =>
    named((await post(`${at}/holds`, { resourceId: court, bookerId: playerId, ...hour() })).id),
  "recurring-bookings": async (desk) => ({ ids: { recurringBookingId: await series(desk) } }),
  waitlist: async (desk) => ({ ids: { entryId: await offered(desk) } }),
  closures: async ({ at, post, court, hour }) => {
    const body = { reason: "New surface", resourceIds: [court], ...hour() }
    return { ids: { closures: (await post(`${at}/closures`, body)).id } }
  },
  "lost-items": made("lost-items"),
  "api-keys": made("api-keys"),
  "calendar-feeds": made("calendar-feeds"),
  "price-rules": made("price-rules", "ruleId"),
  organizations: async ({ post }) => ({
    ids: { organizations: (await post("/v1/organizations", exampleBodies["POST /v1/organizations"])).id },
  }),
  // A child who can sign in; another one may not lose the only parent.
  children: async (desk) => {
    const { ids, token = rootKey } = await invited(desk)
    const { childId } = await desk.post(`/v1/child-links/${ids["child-links"]}/accept`, {}, token)
    return { ids: { childId } }
  },

  coaches: async ({ api, at }) => {
    await api.call("PUT", `${at}/coaches/${coachId}`, { body: exampleBodies[`PUT ${f}/coaches/{userId}`] })
    return { ids: {} }
  },
  "coach-blocks": async (desk) => ({ ids: { blockId: await block(desk) } }),
  "coach-sessions": async (desk) => ({ ids: { sessionId: (await session(desk)).id } }),
  feedback: async (desk) => ({ ids: { feedbackId: await feedback(desk) } }),
  media: async (desk) => ({ ids: { mediaId: (await media(desk)).id } }),
  uploads: async (desk) => {
    const address = `http://slotbase.test${desk.at}/feedback/${await feedback(desk)}/uploads`
    const headers = { authorization: `Bearer ${rootKey}`, "tus-resumable": "1.0.0", "upload-length": "1000" }
    const answer = await desk.api.server.handle(new Request(address, { method: "POST", headers }))
    return { ids: { uploadId: answer.headers.get("location")?.split("/").at(-1) ?? "" } }
  },

  payments: async ({ at, post, court, hour }) => {
    const { id } = await post(`${at}/holds`, { resourceId: court, bookerId: playerId, ...hour() })
    const body = { referenceType: "booking", referenceId: id, cardToken: "tok_visa" }
    return { ids: { paymentId: (await post(`${at}/payments`, body)).id } }
  },
  invoices: (desk) => paper(desk, desk.post),
  "offline-payments": made("offline-payments", "offlinePaymentId"),
  refunds: owedRefund,
  reports: async ({ api }) => {
    await run(api.database.db, (tx) => makeReport(tx, example.facilityId, "2030-06-04"))
    return { ids: { day: "2030-06-03" } }
  },
  "billing-accounts": paidAccount,

  "calendar-syncs": calendarSync,
  webhooks: async (desk) => ({ ids: { webhooks: await webhook(desk) } }),
  subscriptions: async ({ at, post }) => {
    const hookUrl = `http://127.0.0.1:8009/${newId()}`
    return {
      ids: { subscriptions: (await post(`${at}/hooks/subscriptions`, { hookUrl, event: "booking.confirmed" })).id },
    }
  },
  deliveries: async (desk) => {
    const { db } = desk.api.database
    const webhookId = await webhook(desk)
    await dispatchAll(db)
    await booked(desk)
    await dispatchAll(db)
    const [delivery] = await db<{ id: string }[]>`
      select id from slotbase.webhook_deliveries where webhook_id = ${webhookId} limit 1`
    return { ids: { deliveries: delivery?.id ?? "nothing is to be delivered" } }
  },
  replays: async (desk) => {
    const { id } = await desk.post(`${desk.at}/webhooks/${await webhook(desk)}/replays`, {})
    return { ids: { replays: id } }
  },
  events: async ({ api }) => {
    const [event] = await api.database.db<{ id: string }[]>`
      select id from slotbase.events where facility_id = ${example.facilityId} order by id limit 1`
    return { ids: { eventId: event?.id ?? "nothing has happened" } }
  },
  "dead-letters": async (desk) => ({ ids: { "dead-letters": await deadLetter(desk) } }),
  runs: async ({ at, post }) => ({
    ids: { runs: (await post(`${at}/jobs/hold-expiration/run?wait=0`, {})).id },
  }),
}

async function pausedReplay(desk: Desk): Promise<Given> {
  const { id } = await desk.post(`${desk.at}/webhooks/${await webhook(desk)}/replays`, {})
  await desk.post(`${desk.at}/replays/${id}/pause`, {})
  return { ids: { replays: id } }
}

/** Made by the example of its POST. */
function made(part: string, as = part) {
  return async ({ at, post }: Desk): Promise<Given> => ({
    ids: { [as]: (await post(`${at}/${part}`, exampleBodies[`POST ${f}/${part}`])).id },
  })
}

/** A photo of a draft, with the link to its content. */
async function media(desk: Desk): Promise<{ readonly id: string; readonly url: string }> {
  const form = new FormData()
  form.append("file", new File([Buffer.from(jpeg())], "grip.jpg"))
  const address = `http://slotbase.test${desk.at}/feedback/${await feedback(desk)}/media`
  const headers = { authorization: `Bearer ${rootKey}` }
  const answer = await desk.api.server.handle(new Request(address, { method: "POST", headers, body: form }))
  const { id } = (await answer.json()) as { id: string }
  return (await desk.api.call("GET", `${desk.at}/media/${id}`)).body
}

/** The dead letter of a handler that gives up on a booking. */
async function deadLetter(desk: Desk): Promise<string> {
  const { db } = desk.api.database
  const name = `Handler${newId()}`
  await subscribe(db, name, "booking.confirmed")
  await dispatchAll(db)
  await booked(desk)
  await dispatchAll(db)
  const handle = () => Promise.reject(new GiveUp("The board in the hall has no power."))
  await drain(
    actorOf(db, await processRow(db, true), { kind: "transactional", name, events: ["booking.confirmed"], handle }),
  )
  const [dead] = await db<{ id: string }[]>`select id from slotbase.dead_letters where handler = ${name}`
  return dead?.id ?? "nothing is dead"
}
