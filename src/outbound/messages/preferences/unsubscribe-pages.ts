/**
 * The pages of an unsubscribe link, without any script. Opening the link changes nothing: mail programs and scanners
 * open links by themselves. The page has a button, and only its POST unsubscribes. Nothing that a caller sent is shown.
 */
import type { Unsubscription } from "./unsubscribe.ts"

/** The form's body is the one that mail programs send (RFC 8058, section 3.2). */
export const oneClick = { name: "List-Unsubscribe", value: "One-Click" } as const

export const unsubscribeAskPage = (wanted: Unsubscription): string =>
  page(
    "Unsubscribe",
    `<p>${kindOf(wanted)} are switched off for you. Everything else still comes.</p>
<form method="post"><input type="hidden" name="${oneClick.name}" value="${oneClick.value}"><button>Unsubscribe</button></form>`,
  )

export const unsubscribedPage = (wanted: Unsubscription): string =>
  page("You are unsubscribed", `<p>${kindOf(wanted)} are switched off. Your settings switch them on again.</p>`)

export const noTokenPage = (): string =>
  page("This link opens nothing", "<p>It is not whole. Copy the whole address out of the mail.</p>")

export const notOneClickPage = (): string =>
  page("Nothing was changed", "<p>Open the link in a browser, and use its button.</p>")

const channelWords = { email: "Mails", sms: "Text messages", push: "Push messages", in_app: "Messages" } as const

/** The type is one of the program's own names. */
const kindOf = ({ type, channel }: Unsubscription) => `${channelWords[channel]} about “${type.replace(/[._]/g, " ")}”`

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body><main><h1>${title}</h1>${body}</main></body>
</html>
`
}

const style = `
:root{color-scheme:light dark}
body{margin:0;background:#eef2f0;color:#16241d;font:16px/1.5 -apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:26rem;margin:12vh auto 0;padding:2rem;background:#fff;border-radius:12px}
h1{margin:0 0 1rem;font-size:1.4rem;line-height:1.3}
button{margin-top:.5rem;padding:.7rem 1.2rem;font:inherit;font-weight:600;color:#fff;background:#14532d;border:0;border-radius:8px;cursor:pointer}
@media (prefers-color-scheme:dark){body{background:#0e1512;color:#e6ece9}main{background:#17211c}}
`
