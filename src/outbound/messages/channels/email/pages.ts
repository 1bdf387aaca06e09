/**
 * The pages of the local mailbox, without any script. `html` escapes every value that it is given. A mail's own HTML is
 * in a frame that may not run scripts, load resources or navigate.
 */
import { html, localPage, refreshes, shownInUtc } from "#outbound/messages/channels/local-page.ts"
import type { Mail, OpenedMail } from "./mailbox.ts"

export function listPage({ mails, total }: { mails: readonly Omit<Mail, "raw">[]; total: number }): string {
  const rows = mails.map(
    (mail) => html`<a class="mail" href="/mailbox/${mail.id}">
<span class="to">${mail.recipients.join(", ")}</span><span class="subject">${mail.subject || "(no subject)"}</span><time>${shownInUtc(mail.receivedAt)}</time></a>`,
  )
  const body =
    rows.length === 0
      ? html`<p class="empty">No mail yet. Confirm a booking, and its confirmation arrives here.</p>`
      : html`<nav>${rows}</nav>`
  const count =
    total > mails.length ? `the latest ${mails.length} of ${total} mails` : `${total} ${total === 1 ? "mail" : "mails"}`
  return localPage(
    "Mailbox",
    html`<header><h1>Mailbox</h1><p>${count} · no mail leaves this machine while SMTP_URL is not set</p></header>${body}`,
    { head: refreshes, css },
  )
}

export function mailPage(mail: OpenedMail): string {
  return localPage(
    mail.subject,
    html`<p class="back"><a href="/mailbox">← Mailbox</a></p>
<header><h1>${mail.subject || "(no subject)"}</h1></header>
<dl><dt>From</dt><dd>${mail.from}</dd><dt>To</dt><dd>${mail.to}</dd><dt>Received</dt><dd>${shownInUtc(mail.receivedAt)}</dd><dt>Message-ID</dt><dd>${mail.messageId}</dd></dl>
${mail.html ? html`<iframe title="The mail as HTML" sandbox="" referrerpolicy="no-referrer" srcdoc="${mail.html}"></iframe>` : ""}
<details ${mail.html ? "" : "open"}><summary>Plain text</summary><pre>${mail.text}</pre></details>
<details><summary>Raw</summary><pre>${mail.raw}</pre></details>`,
    { css },
  )
}

const css = `
.mail { display: grid; grid-template-columns: 200px 1fr auto; gap: 16px; align-items: baseline; padding: 13px 18px; color: inherit; text-decoration: none; border-top: 1px solid var(--line) }
.mail:first-child { border-top: 0 }
.mail:hover, .mail:focus-visible { background: var(--ground) }
.mail span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.subject { font-size: 15px; font-weight: 600 }
iframe { display: block; width: 100%; height: 680px; margin-bottom: 16px; background: #fff; color-scheme: light }
@media (max-width: 640px) { .mail { grid-template-columns: 1fr auto; gap: 2px 12px } .subject { grid-row: 1; grid-column: 1 } .to { grid-row: 2; grid-column: 1 } time { grid-row: 1 / 3; grid-column: 2; font-size: 12px } }
`
