/** The provider as the ledger knows it: its name, and the card that it keeps for an account. */
export type ProviderName = "local" | "stripe"

/** A card that can be charged without its owner being present. */
export interface SavedCard {
  readonly provider: ProviderName
  /** The provider's reference of the card; kept sealed. */
  readonly reference: string
  /** The label by which people recognize the card, such as "visa ···· 4242". */
  readonly label: string
}
