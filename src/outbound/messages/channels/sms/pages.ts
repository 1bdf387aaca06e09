/** The pages of the local phone: the numbers that have received texts, and the texts of one as bubbles. */
import { html, localPage, refreshes, shownInUtc } from "#outbound/messages/channels/local-page.ts"
import type { LocalPhone, ReceivedText } from "./phone-inbox.ts"

export function phonesPage(phones: readonly LocalPhone[]): string {
  const rows = phones.map(
    ({ recipient, texts, latest, receivedAt }) => html`<a class="phone" href="/phone/${recipient.slice(1)}">
<span class="number">${recipient}</span><span class="latest">${latest}</span><time>${texts} · ${shownInUtc(receivedAt)}</time></a>`,
  )
  const body =
    rows.length === 0
      ? html`<p class="empty">No text yet. Give your number at PUT /v1/me/phone, and its code arrives here.</p>`
      : html`<nav>${rows}</nav>`
  return localPage(
    "Phone",
    html`<header><h1>Phone</h1><p>${phones.length} ${phones.length === 1 ? "number" : "numbers"} · no text leaves this machine while SLOTBASE_SMS_ACCOUNT_SID is not set</p></header>${body}`,
    { head: refreshes, css },
  )
}

/** The latest text is at the end, as on a phone. */
export function phonePage(number: string, texts: readonly ReceivedText[]): string {
  const bubbles = texts.map(
    ({ sender, body, receivedAt }) => html`<li><p>${body}</p><time>${sender} · ${shownInUtc(receivedAt)}</time></li>`,
  )
  return localPage(
    number,
    html`<p class="back"><a href="/phone">← Phone</a></p><header><h1>${number}</h1></header><ol class="texts">${bubbles}</ol>`,
    { head: refreshes, css },
  )
}

const css = `
.phone { display: grid; grid-template-columns: 180px 1fr auto; gap: 16px; align-items: baseline; padding: 13px 18px; color: inherit; text-decoration: none; border-top: 1px solid var(--line) }
.phone:first-child { border-top: 0 }
.phone:hover, .phone:focus-visible { background: var(--ground) }
.phone span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.number { font-weight: 600; font-variant-numeric: tabular-nums }
.latest { color: var(--soft); font-size: 14px }
.texts { max-width: 440px; margin: 0 auto; padding: 20px 16px 24px; list-style: none; background: var(--paper); border: 1px solid var(--line); border-radius: 24px }
.texts li { margin: 0 0 14px }
.texts p { display: inline-block; max-width: 88%; margin: 0 0 2px; padding: 9px 14px; background: var(--ground); border-radius: 18px 18px 18px 5px; overflow-wrap: anywhere; white-space: pre-wrap }
.texts time { display: block; padding-left: 6px; font-size: 12px; white-space: normal }
@media (max-width: 640px) { .phone { grid-template-columns: 1fr auto; gap: 2px 12px } .latest { grid-row: 2; grid-column: 1 / 3 } .phone time { font-size: 12px } }
`
