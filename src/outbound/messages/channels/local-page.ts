/**
 * What the pages of the local mailbox and the local phone have in common: no script, and markup in which every value is
 * escaped.
 */

/** Markup that has been escaped. */
export class Html {
  constructor(readonly text: string) {}
}

type Piece = string | number | Html | readonly Html[]

/** A template of markup; each value in it is escaped, unless it is markup itself. */
export function html(strings: TemplateStringsArray, ...values: readonly Piece[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(escapedPiece)))
}

/** A time as the pages show it. */
export const shownInUtc = (at: Date) => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`

/** The whole page. @param css of this page alone */
export function localPage(title: string, body: Html, { head = html``, css = "" }: { head?: Html; css?: string } = {}) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · SlotBase</title>
${head}<style>${new Html(commonCss + css)}</style>
</head>
<body><main>
${body}
</main></body>
</html>
`.text
}

/** A page that says one thing. */
export const localMessagePage = (title: string, message: string): string =>
  localPage(title, html`<header><h1>${title}</h1></header><p>${message}</p>`)

/** Asks for the page again, because something may have arrived. */
export const refreshes = html`<meta http-equiv="refresh" content="10">`

function escapedPiece(value: Piece): string {
  if (value instanceof Html) return value.text
  if (typeof value === "object") return value.map((each) => each.text).join("\n")
  return Bun.escapeHTML(String(value))
}

const commonCss = `
:root { color-scheme: light dark; --ink: #16241d; --soft: #5b6b63; --line: #dde5e1; --paper: #fff; --ground: #eef2f0; --green: #14532d }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ece9; --soft: #9aaba2; --line: #2b3a33; --paper: #17211c; --ground: #0e1512; --green: #86d3a5 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
main { max-width: 1000px; margin: 0 auto; padding: 40px 20px 64px }
h1 { margin: 0; font-size: 26px; line-height: 1.25; overflow-wrap: anywhere }
header { margin-bottom: 20px }
header p, dt, time, .to { color: var(--soft); font-size: 14px }
header p { margin: 4px 0 0 }
a { color: var(--green) }
.back { margin: 0 0 16px; font-size: 14px }
.back a { text-decoration: none }
nav, dl, iframe, details, .empty { background: var(--paper); border: 1px solid var(--line); border-radius: 10px }
nav { overflow: hidden }
time { white-space: nowrap; font-variant-numeric: tabular-nums }
.empty { padding: 40px 20px; text-align: center; color: var(--soft) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0 0 16px; padding: 14px 18px; font-size: 15px }
dd { margin: 0; overflow-wrap: anywhere }
details { margin-bottom: 12px }
summary { padding: 11px 18px; cursor: pointer; font-weight: 600 }
pre { margin: 0; padding: 4px 18px 18px; overflow: auto; max-height: 600px; font: 13px/1.55 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
`
