/**
 * The built-in payment provider, used unless Stripe is configured. It moves no real money, and otherwise behaves like
 * a real provider:
 * - Test cards succeed, fail, take their time or lose their answer.
 * - Requests and their keys survive a restart.
 * - A repeated key is answered and not charged again.
 * - A charge is never refunded beyond its amount.
 * This provider is an outside system: its statements commit by themselves, never in a transaction of the domain.
 * Writes: local_provider_payments, local_provider_refunds.
 */
import type { Db } from "#base/database/db.ts"
import {
  CardRefused,
  type ChargeAnswer,
  type ChargeRequest,
  OutcomeUnknown,
  type PaymentProvider,
  type RefundAnswer,
  type RefundRequest,
} from "./provider.ts"

/** How long `tok_processing` takes to succeed, seconds. */
const confirmationSeconds = 3

interface TestCard {
  readonly label: string
  readonly outcome: "succeeded" | "processing" | "failed"
  /** The stable code of its failure. */
  readonly code?: keyof typeof reasons
  /** The card is charged, but the answer never arrives. */
  readonly silent?: true
}

const reasons = {
  card_declined: "The card was declined.",
  insufficient_funds: "The card has insufficient funds.",
  expired_card: "The card has expired.",
  unknown_card_token: "There is no such card.",
} as const

/** The test cards, by the token that a payment form would make of them. */
export const testCards: Readonly<Record<string, TestCard>> = {
  tok_visa: { label: "visa ···· 4242", outcome: "succeeded" },
  tok_mastercard: { label: "mastercard ···· 4444", outcome: "succeeded" },
  tok_declined: { label: "visa ···· 0002", outcome: "failed", code: "card_declined" },
  tok_insufficient_funds: { label: "visa ···· 9995", outcome: "failed", code: "insufficient_funds" },
  tok_expired: { label: "visa ···· 0069", outcome: "failed", code: "expired_card" },
  tok_processing: { label: "visa ···· 0077", outcome: "processing" },
  tok_timeout: { label: "visa ···· 0044", outcome: "succeeded", silent: true },
}

const unknownCard: TestCard = { label: "unknown", outcome: "failed", code: "unknown_card_token" }
const cardOf = (token: string): TestCard =>
  (Object.hasOwn(testCards, token) ? testCards[token] : undefined) ?? unknownCard

export const localProvider = (db: Db): PaymentProvider => ({
  name: "local",

  async charge(request) {
    const card = cardOf(request.card.kind === "token" ? request.card.token : request.card.reference)
    const isNew = await enter(db, request, card)
    if (isNew && card.silent) throw new OutcomeUnknown("no answer from the payment provider")
    const answer = await answerTo(db, request.key)
    if (answer === undefined) throw new OutcomeUnknown("the payment provider lost the request")
    return answer
  },

  findCharge: (key) => answerTo(db, key),

  async refund(request) {
    await give(db, request)
    return (
      (await refundOf(db, request.key)) ?? {
        status: "failed",
        code: "more_than_was_charged",
        reason: "More than is left of the charge cannot be given back.",
      }
    )
  },

  findRefund: ({ key }) => refundOf(db, key),

  async saveCard(token) {
    const { label, code } = cardOf(token)
    // A declined charge says nothing about the card itself. The card can be saved, and charged when there is money
    // again.
    if (code === "expired_card" || code === "unknown_card_token") throw new CardRefused(code, reasons[code])
    return { provider: "local", reference: token, label }
  },
})

/** Lets at most `limit` delayed charges succeed whose time has come; answers their keys. */
export async function confirmDue(
  db: Db,
  limit: number,
): Promise<readonly { readonly key: string; readonly facilityId: string; readonly answer: ChargeAnswer }[]> {
  const rows = await db<{ key: string; facility_id: string }[]>`
    with due as (
      select key from slotbase.local_provider_payments
      where status = 'processing' and confirms_at <= (select slotbase.now())
      order by confirms_at
      limit ${limit}
      for update skip locked
    )
    update slotbase.local_provider_payments p
    set status = 'succeeded', confirms_at = null
    from due where p.key = due.key
    returning p.key, p.facility_id`
  return rows.map(({ key, facility_id }) => ({
    key,
    facilityId: facility_id,
    answer: { status: "succeeded", providerPaymentId: idOf(key) },
  }))
}

/** Records the charge; false when its key is known already. */
async function enter(db: Db, { key, facilityId, amount, currency }: ChargeRequest, card: TestCard): Promise<boolean> {
  const { outcome, code = null } = card
  const { count } = await db`
    insert into slotbase.local_provider_payments (key, facility_id, amount, currency, status, code, confirms_at)
    values (${key}, ${facilityId}, ${amount}, ${currency}, ${outcome}, ${code},
            case when ${outcome}::text = 'processing' then slotbase.now() + make_interval(secs => ${confirmationSeconds}) end)
    on conflict (key) do nothing`
  return count === 1
}

async function answerTo(db: Db, key: string): Promise<ChargeAnswer | undefined> {
  const [row] = await db<{ status: ChargeAnswer["status"]; code: keyof typeof reasons | null }[]>`
    select status, code from slotbase.local_provider_payments where key = ${key}`
  if (!row) return undefined
  if (row.status !== "failed") return { status: row.status, providerPaymentId: idOf(key) }
  const code = row.code ?? "card_declined"
  return { status: "failed", code, reason: reasons[code], providerPaymentId: idOf(key) }
}

/**
 * Refunds the amount if that much is left of the charge, else nothing. The charge is locked, so concurrent refunds see
 * each other.
 */
async function give(db: Db, { key, providerPaymentId, amount }: RefundRequest): Promise<void> {
  const charge = providerPaymentId.slice(idPrefix.length)
  await db.begin(async (tx) => {
    await tx`select from slotbase.local_provider_payments where key = ${charge} for update`
    await tx`
      insert into slotbase.local_provider_refunds (key, payment_key, amount)
      select ${key}, p.key, ${amount}
      from slotbase.local_provider_payments p
      where p.key = ${charge} and p.status = 'succeeded'
        and p.amount >= ${amount} + (select coalesce(sum(r.amount), 0) from slotbase.local_provider_refunds r
                                     where r.payment_key = p.key and r.key <> ${key})
      on conflict (key) do nothing`
  })
}

async function refundOf(db: Db, key: string): Promise<RefundAnswer | undefined> {
  const rows = await db`select from slotbase.local_provider_refunds where key = ${key}`
  return rows.length === 0 ? undefined : { status: "succeeded", providerRefundId: `local_re_${key}` }
}

const idPrefix = "local_pi_"
const idOf = (key: string) => `${idPrefix}${key}`
