/** What the books say of a provider: its name, and the card that it keeps for an account. */
export type ProviderName = "local" | "stripe"

/** A card that can be charged without its owner being there. */
export interface SavedCard {
  readonly provider: ProviderName
  /** What the provider knows it by; kept sealed. */
  readonly reference: string
  /** What people recognize it by, such as "visa ···· 4242". */
  readonly label: string
}
