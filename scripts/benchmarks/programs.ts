// The programs that a part measures: this checkout, and an earlier one that takes turns with it.

export interface Program {
  readonly name: "before" | "slotbase"
  /** The checkout; left out: this one. */
  readonly folder?: string
}

/** With SLOTBASE_BENCH_BEFORE=<folder of an earlier checkout>, that program comes first. */
export function programsInTurn(): readonly Program[] {
  const folder = process.env.SLOTBASE_BENCH_BEFORE
  return [...(folder === undefined ? [] : [{ name: "before", folder } as const]), { name: "slotbase" }]
}
