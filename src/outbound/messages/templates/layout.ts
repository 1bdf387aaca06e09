/**
 * The two shapes of every mail: plain text, and HTML in which each value is escaped. They are functions, and no
 * templates: every mail has them whole, and as Liquid they took more time than all of its fields.
 */
import type { Language } from "#base/languages.ts"
import { blocksAsHtml, blocksAsText, darkBlocks, type MailBlock } from "./blocks.ts"
import { escaped } from "./escaped.ts"

/** The lines of a message; each is plain text. */
export interface LaidOut {
  readonly language: Language
  readonly subject: string
  readonly short: string
  readonly heading: string
  readonly greeting: string
  readonly lead: string
  readonly facts: readonly { readonly label: string; readonly value: string }[]
  readonly blocks: readonly MailBlock[]
  /** The words of the link; empty: there is none. */
  readonly action: string
  readonly link: string
  /** Empty: there is none. */
  readonly note: string
  readonly facility: string
  readonly sentWith: string
}

export function textLayout({ greeting, lead, facts, blocks, action, link, note, facility, sentWith }: LaidOut): string {
  return `${greeting}

${lead}

${facts.map(({ label, value }) => `${label}: ${value}\n`).join("")}${blocksAsText(blocks, facts.length > 0)}${action === "" ? "" : `\n${action}: ${link}\n`}${
  note === "" ? "" : `\n${note}\n`
}
--${" "}
${facility} · ${sentWith}
`
}

// Tables and inline styles, because mail clients know nothing newer. Clients that know dark mode take the style sheet;
// the others show the inline colours. Images are left out on purpose: the mail fetches nothing. The only link is one
// that was asked for.
export function htmlLayout(given: LaidOut): string {
  const { language } = given
  const [subject, short, facility, heading] = [given.subject, given.short, given.facility, given.heading].map(escaped)
  const [greeting, lead, sentWith] = [escaped(given.greeting), whole(escaped(given.lead)), escaped(given.sentWith)]
  const table = given.facts.length === 0 ? "" : tableOf(given.facts)
  const blocks = blocksAsHtml(given.blocks)
  const button = given.action === "" ? "" : buttonOf(escaped(given.action), escaped(given.link))
  const remark = given.note === "" ? "" : remarkOf(escaped(given.note))
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${subject}</title>
<style>
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (max-width:480px){.outer{padding:0!important}.card{border-radius:0!important}.pad{padding-left:20px!important;padding-right:20px!important}.button{display:block!important;text-align:center!important}}
@media (prefers-color-scheme:dark){.page{background:#101513!important;color:#e6ece9!important}.card{background:#1a211e!important}.bar{background:#1f5a38!important}.line{border-color:#33403a!important}.label,.foot{color:#9fb0a7!important}.note{color:#c9d4ce!important}.button{background:#3f9a66!important;color:#07130c!important}${blocks === "" ? "" : darkBlocks}}
</style>
</head>
<body class="page" style="margin:0;padding:0;background:#eef2f0;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#16241d">
<div style="display:none;max-height:0;overflow:hidden">${short}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="page" style="background:#eef2f0"><tr><td align="center" class="outer" style="padding:32px 12px">
<table role="presentation" width="560" cellpadding="0" cellspacing="0" class="card" style="width:100%;max-width:560px;background:#ffffff;border-radius:12px;overflow:hidden">
<tr><td class="bar pad" style="background:#14532d;padding:18px 32px;font-size:15px;font-weight:600;color:#ffffff;word-break:break-word">${facility}</td></tr>
<tr><td class="pad" style="padding:28px 32px 8px">
<h1 style="margin:0 0 16px;font-size:23px;line-height:1.3;font-weight:700;word-break:break-word">${heading}</h1>
<p style="margin:0 0 8px;font-size:16px;line-height:1.5;word-break:break-word">${greeting}</p>
<p style="margin:0 0 20px;font-size:16px;line-height:1.5;word-break:break-word">${lead}</p>${table}${blocks}${button}${remark}
</td></tr>
<tr><td class="foot pad" style="padding:24px 32px 26px;font-size:13px;line-height:1.5;color:#6a7a72">${facility} · ${sentWith}</td></tr>
</table>
</td></tr></table>
</body>
</html>
`
}

const tableOf = (facts: LaidOut["facts"]) => `
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="line" style="border-top:1px solid #dde5e1">${facts.map(rowOf).join("")}
</table>`

const rowOf = (fact: LaidOut["facts"][number]) => {
  const [label, value] = [escaped(fact.label), whole(escaped(fact.value))]
  return `
<tr>
<td valign="top" width="96" class="label line" style="padding:10px 12px 10px 0;border-bottom:1px solid #dde5e1;font-size:14px;line-height:1.5;color:#5b6b63">${label}</td>
<td valign="top" class="line" style="padding:10px 0;border-bottom:1px solid #dde5e1;font-size:15px;line-height:1.45;word-break:break-word">${value}</td>
</tr>`
}

/** Nothing parts "18:00–19:00" behind its dash, or a date of a list, on a phone's width. */
const whole = (value: string) => {
  const dates = value.split(" · ")
  return dates.length > 1
    ? dates.map((date) => `<span style="display:inline-block;margin-right:14px">${date}</span>`).join(" ")
    : value.replaceAll(timeSpan, '<span style="white-space:nowrap">$&</span>')
}
const timeSpan = /\d\d:\d\d–\d\d:\d\d/g

const buttonOf = (action: string, link: string) =>
  `
<p style="margin:24px 0 0"><a href="${link}" class="button" style="display:inline-block;padding:13px 22px;border-radius:8px;background:#14532d;color:#ffffff;font-size:16px;font-weight:600;text-decoration:none">${action}</a></p>`

const remarkOf = (note: string) => `
<p class="note" style="margin:20px 0 0;font-size:15px;line-height:1.5;color:#3c4a43;word-break:break-word">${note}</p>`
