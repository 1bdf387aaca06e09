/**
 * The currencies of today with their minor units, pinned here and not taken from the runtime: runtimes differ.
 * - Source: ISO 4217 List One of 2024-06-25, in the npm package currency-codes 2.2.0. Changes until 2026-01-01 are in.
 * - XCG came since. ANG, BGN (now the euro) and CUC (withdrawn by Cuba) went.
 * - Codes that nobody pays with are left out: funds such as CHE and CLF, metals, units of account such as XDR.
 * - So are the codes for tests and for no currency, XTS and XXX.
 */

/** Whether the code is money of today. Codes of the past, such as DEM, are not. */
export const isCurrency = (code: string): boolean => decimals.has(code)

/**
 * How many decimals the currency has: 2 for EUR, 0 for JPY, 3 for KWD, 4 for UYW. Amounts in a code that is refused
 * today keep the decimals that they had when the code was taken.
 */
export const decimalsOf = (currency: string): number => decimals.get(currency) ?? refusedToday.get(currency) ?? 2

const byDecimals: Readonly<Record<number, string>> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
  2: `
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE
    CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR
    KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB
    PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY
    TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`,
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "UYW",
}

const decimals: ReadonlyMap<string, number> = new Map(
  Object.entries(byDecimals).flatMap(([count, codes]) =>
    codes
      .trim()
      .split(/\s+/)
      .map((code) => [code, Number(count)] as const),
  ),
)

/** What was taken before this list, and has other than two decimals. */
const refusedToday: ReadonlyMap<string, number> = new Map([
  ["BYR", 0],
  ["CLF", 4],
  ["UYI", 0],
])
