/**
 * A facility's tax rates: one per kind of good, and whether its prices contain the tax. They are settings of the
 * facility (`facilities.ts` writes them). A booking or a charge copies its rate, so a new rate changes nothing that
 * stands. `ledger/tax.ts` computes with them.
 */
import * as Schema from "effect/Schema"
import type { Queryable } from "#base/database/db.ts"

/** The kinds of goods that a facility sells: the time on a court, the coach's time, and fees such as for a no-show. */
export const taxedGoods = ["court", "coaching", "fee"] as const
export type TaxedGood = (typeof taxedGoods)[number]

export const taxModes = ["inclusive", "exclusive"] as const
export type TaxMode = (typeof taxModes)[number]

/** Hundredths of a percent: 19 % is 1900, 8.1 % is 810. */
export const TaxRate = Schema.Int.annotate({
  description: "hundredths of a percent: 1900 is 19 %, 810 is 8.1 %",
}).check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))

export const TaxRates = Schema.Struct({
  court: Schema.optionalKey(TaxRate),
  coaching: Schema.optionalKey(TaxRate),
  fee: Schema.optionalKey(TaxRate),
}).annotate({
  description: "per kind of good; left out: no tax. Replaced as a whole; standing amounts keep their rate.",
})
export type TaxRates = typeof TaxRates.Type

export const TaxMode = Schema.Literals(taxModes).annotate({
  description: "inclusive: prices contain the tax; exclusive: it is added to them",
})

/** The rates in force, as a statement that prices something reads them. */
export interface TaxTerms {
  readonly mode: TaxMode
  readonly rates: TaxRates
}

/** As a value of SQL: the tax terms of a row of `facilities`, whose alias is given. */
export const taxTermsOf = (sql: Queryable, facility: ReturnType<Queryable>) => sql`
  jsonb_build_object('mode', ${facility}.tax_mode, 'rates', ${facility}.tax_rates)`

/** The rate of a kind of good, hundredths of a percent. */
export const rateOf = ({ rates }: TaxTerms, good: TaxedGood): number => rates[good] ?? 0
