// The parts of Stripe's API that payments need, on the loopback. Stripe's own test tokens name the cards.
//
// - payment methods, customers, payment intents and refunds, with idempotency keys
// - search by metadata, and signed events

import Stripe from "stripe"

export const stripeKey = "sk_test_fake"
export const webhookSecret = "whsec_fake"

export interface FakeStripe {
  readonly base: string
  /** The requests so far, such as "POST /v1/payment_intents". */
  readonly asked: string[]
  readonly intents: Map<string, FakeIntent>
  readonly refunds: Map<string, FakeRefund>
  /** Carries out this many of the next requests, and loses their answers. */
  loseAnswers: number
  /** Refuses this many of the next requests before any effect. */
  refuse: number
  /** Answers the next requests with these in place of its own. */
  readonly instead: Instead[]
  /** The state of new refunds. */
  refundStatus: "succeeded" | "pending" | "failed"
  /** A signed event about an object, as Stripe would send it. */
  readonly event: (type: string, object: object, id?: string) => Promise<{ body: string; signature: string }>
  readonly stop: () => Promise<void>
}

export interface FakeIntent {
  id: string
  object: "payment_intent"
  status: string
  amount: number
  currency: string
  metadata: Record<string, string>
  last_payment_error: object | null
}

export interface FakeRefund {
  id: string
  object: "refund"
  status: string
  amount: number
  payment_intent: string
  metadata: Record<string, string>
  failure_reason?: string
}

/** An answer that Stripe itself would never give. */
export interface Instead {
  readonly status: number
  /** JSON, or any text. */
  readonly body: string
  /** Whether the request is carried out, as when a proxy loses Stripe's answer. */
  readonly carriedOut: boolean
  /** Such as "POST /v1/payment_intents"; left out: the next request. */
  readonly of?: string
}

interface Answer {
  readonly status: number
  readonly body: object
}

export function startFakeStripe(): FakeStripe {
  let last = 0
  const next = (prefix: string) => `${prefix}_fake${++last}`
  const answers = new Map<string, { sent: string; answer: Answer }>()
  const methods = new Map<string, string>()
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer })
  const fake: FakeStripe = {
    base: `http://127.0.0.1:${server.port}`,
    asked: [],
    intents: new Map(),
    refunds: new Map(),
    loseAnswers: 0,
    refuse: 0,
    instead: [],
    refundStatus: "succeeded",
    event: async (type, object, id = next("evt")) => {
      const body = JSON.stringify({ id, object: "event", type, created: 1, data: { object } })
      const signature = await Stripe.webhooks.generateTestHeaderStringAsync({ payload: body, secret: webhookSecret })
      return { body, signature }
    },
    stop: () => server.stop(true),
  }
  return fake

  async function answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const what = `${request.method} ${pathname}`
    fake.asked.push(what)
    if (request.headers.get("authorization") !== `Bearer ${stripeKey}`)
      return json({ status: 401, body: error("invalid_request_error") })
    if (fake.refuse > 0) {
      fake.refuse--
      return json({ status: 503, body: error("api_error") })
    }
    const sent = await request.text()
    const instead = insteadOf(what)
    if (instead && !instead.carriedOut) return foreign(instead)
    const key = request.headers.get("idempotency-key")
    const known = key === null ? undefined : answers.get(key)
    if (known && known.sent !== sent) return json({ status: 400, body: error("idempotency_error") })
    const given = known?.answer ?? carryOut(what, new URLSearchParams(sent), searchParams)
    if (key !== null) answers.set(key, { sent, answer: given })
    if (instead) return foreign(instead)
    if (fake.loseAnswers > 0) {
      fake.loseAnswers--
      return json({ status: 500, body: error("api_error") })
    }
    return json(given)
  }

  function insteadOf(what: string): Instead | undefined {
    const of = fake.instead[0]?.of ?? what
    return of === what ? fake.instead.shift() : undefined
  }

  function carryOut(what: string, form: URLSearchParams, query: URLSearchParams): Answer {
    const id = what.split("/")[3] ?? ""
    if (what === "POST /v1/payment_methods") {
      const method = next("pm")
      methods.set(method, form.get("card[token]") ?? "")
      return ok({ id: method, object: "payment_method", type: "card", card: { brand: "visa", last4: "4242" } })
    }
    if (what.endsWith("/attach") || what.startsWith("GET /v1/payment_methods/")) {
      return ok({ id, object: "payment_method", type: "card", card: { brand: "visa", last4: "4242" } })
    }
    if (what === "POST /v1/customers") return ok({ id: next("cus"), object: "customer" })
    if (what === "POST /v1/payment_intents") return makeIntent(form)
    if (what === "GET /v1/payment_intents/search") {
      const wanted = /'([^']+)'$/.exec(query.get("query") ?? "")?.[1]
      const found = [...fake.intents.values()].filter(({ metadata }) => Object.values(metadata).includes(wanted ?? ""))
      return ok({ object: "search_result", data: found, has_more: false })
    }
    if (what.startsWith("GET /v1/payment_intents/")) return found(fake.intents.get(id))
    if (what === "POST /v1/refunds") return makeRefund(form)
    if (what === "GET /v1/refunds") {
      const data = [...fake.refunds.values()].filter(
        ({ payment_intent }) => payment_intent === query.get("payment_intent"),
      )
      return ok({ object: "list", data, has_more: false })
    }
    if (what.startsWith("GET /v1/refunds/")) return found(fake.refunds.get(id))
    return { status: 404, body: error("invalid_request_error", { code: "resource_missing" }) }
  }

  function makeIntent(form: URLSearchParams): Answer {
    const method = form.get("payment_method") ?? ""
    const card = methods.get(method) ?? method
    if (card === "tok_unknown") {
      return {
        status: 400,
        body: error("invalid_request_error", { code: "resource_missing", message: "No such token." }),
      }
    }
    if (!canMove(Number(form.get("amount")), form.get("currency") ?? "")) {
      const message = "The last of the three decimals must be 0."
      return { status: 400, body: error("invalid_request_error", { code: "amount_invalid", message }) }
    }
    const declined = declines[card]
    const intent: FakeIntent = {
      id: next("pi"),
      object: "payment_intent",
      status: declined ? "requires_payment_method" : card === "tok_slow" ? "processing" : "succeeded",
      amount: Number(form.get("amount")),
      currency: form.get("currency") ?? "",
      metadata: metadataOf(form),
      last_payment_error: declined ?? null,
    }
    fake.intents.set(intent.id, intent)
    return declined ? { status: 402, body: error("card_error", { ...declined, payment_intent: intent }) } : ok(intent)
  }

  function makeRefund(form: URLSearchParams): Answer {
    const { currency = "" } = fake.intents.get(form.get("payment_intent") ?? "") ?? {}
    if (!canMove(Number(form.get("amount")), currency)) {
      const message = "The last of the three decimals must be 0."
      return { status: 400, body: error("invalid_request_error", { code: "amount_invalid", message }) }
    }
    const refund: FakeRefund = {
      id: next("re"),
      object: "refund",
      status: fake.refundStatus,
      amount: Number(form.get("amount")),
      payment_intent: form.get("payment_intent") ?? "",
      metadata: metadataOf(form),
      ...(fake.refundStatus === "failed" && { failure_reason: "expired_or_canceled_card" }),
    }
    fake.refunds.set(refund.id, refund)
    return ok(refund)
  }
}

/** Stripe's rule for currencies with three decimals. */
const canMove = (amount: number, currency: string): boolean =>
  !["bhd", "jod", "kwd", "omr", "tnd"].includes(currency) || amount % 10 === 0

const declines: Readonly<Record<string, { code: string; decline_code: string; message: string }>> = {
  tok_chargeDeclined: { code: "card_declined", decline_code: "generic_decline", message: "Your card was declined." },
  tok_chargeDeclinedInsufficientFunds: {
    code: "card_declined",
    decline_code: "insufficient_funds",
    message: "Your card has insufficient funds.",
  },
}

const metadataOf = (form: URLSearchParams): Record<string, string> =>
  Object.fromEntries(
    [...form].flatMap(([name, value]) => {
      const inner = /^metadata\[(.+)\]$/.exec(name)?.[1]
      return inner === undefined ? [] : [[inner, value]]
    }),
  )

const ok = (body: object): Answer => ({ status: 200, body })
const found = (body: object | undefined): Answer =>
  body ? ok(body) : { status: 404, body: error("invalid_request_error", { code: "resource_missing" }) }
const error = (type: string, more: object = {}) => ({ error: { type, message: type, ...more } })
const foreign = ({ status, body }: Instead) =>
  new Response(body, { status, headers: { "content-type": "application/json" } })
const json = ({ status, body }: Answer) => Response.json(body, { status })
