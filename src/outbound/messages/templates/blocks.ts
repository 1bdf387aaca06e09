/**
 * Parts of a mail under a heading: rows, and charts that every mail program shows. A bar is a table cell with a width
 * and a colour: no image, no script, no style that older programs leave out. The number stands beside each bar, so the
 * plain text and a reader's voice say the same without it.
 */
import type { Language } from "#base/languages.ts"
import type { MadeBefore } from "#outbound/messages/together/made-before.ts"
import { escaped } from "./escaped.ts"

/** A row of a block. With `share` it is a bar. */
export interface MailRow {
  readonly label: string
  readonly value: string
  /** The length of the bar, from 0 to 1. */
  readonly share?: number
  /** The bar that the others are compared with. */
  readonly isMain?: boolean
}

export interface MailBlock {
  readonly title: string
  readonly rows: readonly MailRow[]
}

/** What the blocks of a template are made of. */
export interface MailBlockView extends MadeBefore {
  readonly facility: { readonly name: string; readonly timezone: string; readonly currency: string }
  readonly recipient: { readonly as: string; readonly timezone: string | null }
}

/** A block without rows is left out. */
export const mailBlock = (title: string, rows: readonly (MailRow | undefined)[]): MailBlock[] => {
  const shown = rows.filter((row) => row !== undefined)
  return shown.length === 0 ? [] : [{ title, rows: shown }]
}

/** The first so many, and how many more there are. */
export function cutRows<T>(all: readonly T[], most: number, rowOf: (one: T) => MailRow, language: Language): MailRow[] {
  const rows = all.slice(0, most).map(rowOf)
  const more = all.length - rows.length
  const label = language === "de" ? "Weitere" : "More"
  return more > 0 ? [...rows, { label, value: `+${more}` }] : rows
}

/** @param isBelowRows something stands right above */
export const blocksAsText = (blocks: readonly MailBlock[], isBelowRows: boolean): string =>
  blocks
    .map(({ title, rows }, nth) => {
      const lines = rows.map(({ label, value }) => `- ${label}: ${value}\n`).join("")
      return `${nth > 0 || isBelowRows ? "\n" : ""}${title}\n${lines}`
    })
    .join("")

export const blocksAsHtml = (blocks: readonly MailBlock[]): string => blocks.map(blockAsHtml).join("")

/** For programs that know dark mode. */
export const darkBlocks =
  ".part{color:#e6ece9!important}.rest{background:#2a3530!important}.fill{background:#4a6f5b!important}.main{background:#3f9a66!important}"

const blockAsHtml = ({ title, rows }: MailBlock) => `
<h2 class="part" style="margin:26px 0 6px;font-size:16px;line-height:1.4;font-weight:700;word-break:break-word">${escaped(title)}</h2>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="line" style="border-top:1px solid #dde5e1">${rows.map(rowAsHtml).join("")}
</table>`

function rowAsHtml({ label, value, share, isMain }: MailRow): string {
  const edge = share === undefined ? "border-bottom:1px solid #dde5e1;" : ""
  const bar = share === undefined ? "" : barAsHtml(share, isMain === true)
  const padding = share === undefined ? "9px" : "6px"
  return `
<tr>
<td valign="top" width="128" class="label line" style="width:128px;padding:${padding} 12px ${padding} 0;${edge}font-size:14px;line-height:21px;color:#5b6b63;word-break:break-word">${escaped(label)}</td>
<td valign="top" class="line" style="padding:${padding} 0;${edge}font-size:15px;line-height:21px;word-break:break-word">${escaped(value)}${bar}</td>
</tr>`
}

// Some programs draw a cell of no width as a line. So a bar of nothing has the rest alone, and a full bar has no rest.
function barAsHtml(share: number, isMain: boolean): string {
  const percent = Math.round(100 * Math.min(1, Math.max(0, share)))
  const colour = isMain ? "#14532d" : "#8fb3a0"
  const cell = (width: number, name: string, colour: string) =>
    width === 0
      ? ""
      : `<td width="${width}%" height="8" bgcolor="${colour}" class="${name}" style="width:${width}%;height:8px;background:${colour};font-size:0;line-height:0">&nbsp;</td>`
  return `<table role="presentation" aria-hidden="true" width="100%" cellpadding="0" cellspacing="0" style="margin-top:4px"><tr>${cell(percent, isMain ? "main" : "fill", colour)}${cell(100 - percent, "rest", "#e6ece9")}</tr></table>`
}
