/** The limits of a facility's own template, and the messages of the task that renders it. */
import type { TemplateFault } from "#base/liquid-fault.ts"

/** Characters. The spec's mapping of seven fields has 350. */
export const maxTemplateLength = 20_000
/** Characters of what a template makes. The largest events have some kilobytes. */
export const maxRenderedLength = 262_144
/** Blocks inside each other, such as loops and conditions. */
export const maxTemplateDepth = 20
/**
 * Of the template itself, by the clock: a busy machine takes its time. A usual template takes 1 ms. LiquidJS ends it
 * between two steps.
 */
export const renderMs = 1_000

export interface RenderRequest {
  readonly template: string
  readonly contentType: string
  /** IANA zone. */
  readonly timezone: string
  /** What `now` means, milliseconds. */
  readonly now: number
  readonly view: object
}
export type RenderAnswer = { readonly text: string } | { readonly fault: TemplateFault }
