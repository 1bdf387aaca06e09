/**
 * Stripe's webhook. Its signature over the raw body is checked before anything in the body is believed. The real time
 * decides whether the event is fresh, never the movable clock.
 */
import * as Schema from "effect/Schema"
import { Elysia } from "elysia"
import Stripe from "stripe"
import type { Tx } from "#base/database/transaction.ts"
import { NotFound } from "#base/errors.ts"
import { NotStripes, readReport, type StripeEvent } from "#domain/payments/providers/stripe-answers.ts"
import { receiveStripeEvent } from "#domain/payments/stripe-events.ts"
import type { App } from "#http/app.ts"
import { bodyTextOf } from "#http/body.ts"
import { described } from "#http/describe.ts"
import { BadRequest } from "#http/problems.ts"
import { api } from "#http/route.ts"

const Received = Schema.Struct({
  received: Schema.Boolean,
  outcome: Schema.Literals(["settled", "repeated", "not_ours", "not_needed"]),
})

export const stripeRoutes = (app: App) =>
  new Elysia({ name: "stripe" }).use(api(app)).post(
    "/v1/integrations/stripe/webhook",
    async ({ command, request }) => {
      const event = await signedEvent(app, request).catch(unlessReadable)
      const receive = async (tx: Tx) => ({ received: true, outcome: await receiveStripeEvent(tx, event) })
      return command((tx) => receive(tx).catch(unlessReadable), { open: true })
    },
    described({
      tag: "Integrations",
      summary: "Receive an event of Stripe",
      description:
        "For Stripe alone: signed with STRIPE_WEBHOOK_SECRET. Each event is taken in once, whenever and however often it comes.",
      answer: Received,
      open: true,
      bodySize: "stripe",
      events: ["payment.succeeded", "payment.failed", "payment.refunded"],
      problems: [400, 404, 413, 415, 422],
    }),
  )

/** Throws NotFound unless Stripe is configured, BadRequest `bad_signature`, NotStripes. */
async function signedEvent(app: App, request: Request): Promise<StripeEvent> {
  const { stripe } = app.config
  if (!stripe) throw new NotFound("integration")
  const signature = request.headers.get("stripe-signature") ?? ""
  const event = await Stripe.webhooks
    .constructEventAsync(bodyTextOf(request), signature, stripe.webhookSecret)
    .catch((): never => {
      throw new BadRequest(400, "bad_signature", "The signature is missing, too old, or not Stripe's.")
    })
  return readReport(event)
}

/** Stripe shows the refusal to the owner of its account, and sends the event again for some days. */
function unlessReadable(error: unknown): never {
  if (error instanceof NotStripes) throw new BadRequest(422, "unreadable_event", error.message)
  throw error
}
