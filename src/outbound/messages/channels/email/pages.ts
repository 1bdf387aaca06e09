/**
 * The pages of the local mailbox, without any script. `html` escapes every value that it is given. A mail's own HTML is
 * in a frame that may not run scripts, load resources or navigate.
 */
import type { Mail, OpenedMail } from "./mailbox.ts"

export function listPage({ mails, total }: { mails: readonly Omit<Mail, "raw">[]; total: number }): string {
  const rows = mails.map(
    (mail) => html`<a class="mail" href="/mailbox/${mail.id}">
<span class="to">${mail.recipients.join(", ")}</span><span class="subject">${mail.subject || "(no subject)"}</span><time>${utc(mail.receivedAt)}</time></a>`,
  )
  const body =
    rows.length === 0
      ? html`<p class="empty">No mail yet. Confirm a booking, and its confirmation arrives here.</p>`
      : html`<nav>${rows}</nav>`
  const count =
    total > mails.length ? `the latest ${mails.length} of ${total} mails` : `${total} ${total === 1 ? "mail" : "mails"}`
  return layout(
    "Mailbox",
    html`<header><h1>Mailbox</h1><p>${count} · no mail leaves this machine while SMTP_URL is not set</p></header>${body}`,
    html`<meta http-equiv="refresh" content="${refreshSeconds}">`,
  )
}

export function mailPage(mail: OpenedMail): string {
  return layout(
    mail.subject,
    html`<p class="back"><a href="/mailbox">← Mailbox</a></p>
<header><h1>${mail.subject || "(no subject)"}</h1></header>
<dl><dt>From</dt><dd>${mail.from}</dd><dt>To</dt><dd>${mail.to}</dd><dt>Received</dt><dd>${utc(mail.receivedAt)}</dd><dt>Message-ID</dt><dd>${mail.messageId}</dd></dl>
${mail.html ? html`<iframe title="The mail as HTML" sandbox="" referrerpolicy="no-referrer" srcdoc="${mail.html}"></iframe>` : ""}
<details ${mail.html ? "" : "open"}><summary>Plain text</summary><pre>${mail.text}</pre></details>
<details><summary>Raw</summary><pre>${mail.raw}</pre></details>`,
  )
}

export function messagePage(title: string, message: string): string {
  return layout(title, html`<header><h1>${title}</h1></header><p>${message}</p>`)
}

const refreshSeconds = 10

/** Markup that has been escaped. */
class Html {
  constructor(readonly text: string) {}
}

function html(strings: TemplateStringsArray, ...values: readonly (string | number | Html | readonly Html[])[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(escaped)))
}

function escaped(value: string | number | Html | readonly Html[]): string {
  if (value instanceof Html) return value.text
  if (typeof value === "object") return value.map((each) => each.text).join("\n")
  return Bun.escapeHTML(String(value))
}

const utc = (at: Date) => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`

function layout(title: string, body: Html, head: Html = html``): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · SlotBase</title>
${head}<style>${new Html(css)}</style>
</head>
<body><main>
${body}
</main></body>
</html>
`.text
}

const css = `
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
.mail { display: grid; grid-template-columns: 200px 1fr auto; gap: 16px; align-items: baseline; padding: 13px 18px; color: inherit; text-decoration: none; border-top: 1px solid var(--line) }
.mail:first-child { border-top: 0 }
.mail:hover, .mail:focus-visible { background: var(--ground) }
.mail span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.subject { font-size: 15px; font-weight: 600 }
time { white-space: nowrap; font-variant-numeric: tabular-nums }
.empty { padding: 40px 20px; text-align: center; color: var(--soft) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0 0 16px; padding: 14px 18px; font-size: 15px }
dd { margin: 0; overflow-wrap: anywhere }
iframe { display: block; width: 100%; height: 680px; margin-bottom: 16px; background: #fff; color-scheme: light }
details { margin-bottom: 12px }
summary { padding: 11px 18px; cursor: pointer; font-weight: 600 }
pre { margin: 0; padding: 4px 18px 18px; overflow: auto; max-height: 600px; font: 13px/1.55 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
@media (max-width: 640px) { .mail { grid-template-columns: 1fr auto; gap: 2px 12px } .subject { grid-row: 1; grid-column: 1 } .to { grid-row: 2; grid-column: 1 } time { grid-row: 1 / 3; grid-column: 2; font-size: 12px } }
`
