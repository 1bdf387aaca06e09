/**
 * The pages of a link from a mail, without any script. Opening the link changes nothing: mail programs and scanners
 * open links by themselves. The page has a form, and only its POST uses the link. Nothing that a caller sent is shown.
 */
import type { LinkPurpose } from "./links.ts"

export interface LinkPage {
  readonly status: number
  readonly html: string
}

/** The form of an open link. @param fault why the try before was refused */
export function formPage(purpose: LinkPurpose, fault?: { readonly status: number; readonly says: string }): LinkPage {
  const { title, lead, button, asks } = words[purpose]
  const field = asks
    ? `<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" minlength="8" maxlength="128" required autofocus>
<p class="hint">8 to 128 characters. A few words that belong to nothing are a good password.</p>`
    : ""
  const said = fault === undefined ? "" : `<p class="fault" role="alert">${escaped(fault.says)}</p>`
  // Without an action the form goes to the address of the page, which is the link.
  return layout(
    fault?.status ?? 200,
    title,
    `<p>${lead}</p>${said}<form method="post">${field}<button>${button}</button></form>`,
  )
}

/** After the link was used. */
export const donePage = (purpose: LinkPurpose): LinkPage =>
  layout(200, words[purpose].done, `<p>${words[purpose].after}</p>`)

/** A refusal without a form, such as for a link that was used before. */
export const refusedPage = (status: number, says: string): LinkPage =>
  layout(status, "This link opens nothing", `<p>${escaped(says)}</p>`)

/** No script, no other site, no frame around it; the address does not travel on to any other. */
export const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-robots-tag": "noindex",
  "cache-control": "no-store",
}

const words: Readonly<
  Record<LinkPurpose, { title: string; lead: string; button: string; asks: boolean; done: string; after: string }>
> = {
  password_reset: {
    title: "Set a new password",
    lead: "Choose a new password for your account. You are signed out everywhere.",
    button: "Set the password",
    asks: true,
    done: "Your new password is set",
    after: "Sign in with it. You may close this page.",
  },
  invitation: {
    title: "Set a password",
    lead: "Choose a password for your account.",
    button: "Set the password",
    asks: true,
    done: "Your password is set",
    after: "Sign in with your e-mail address and this password. You may close this page.",
  },
  email_change: {
    title: "Confirm your new e-mail address",
    lead: "Your account gets this e-mail address. You sign in with it from then on.",
    button: "Confirm the address",
    asks: false,
    done: "Your new address is confirmed",
    after: "Sign in with it from now on. You may close this page.",
  },
}

function layout(status: number, title: string, body: string): LinkPage {
  const html = `<!doctype html>
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
  return { status, html }
}

const style = `
body{margin:0;background:#eef2f0;color:#16241d;font:16px/1.5 -apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:26rem;margin:12vh auto 0;padding:2rem;background:#fff;border-radius:12px}
h1{margin:0 0 1rem;font-size:1.4rem;line-height:1.3}
label{display:block;font-weight:600}
input{box-sizing:border-box;width:100%;margin:.25rem 0;padding:.6rem;font:inherit;border:1px solid #7a8a82;border-radius:8px}
button{margin-top:1rem;padding:.7rem 1.2rem;font:inherit;font-weight:600;color:#fff;background:#14532d;border:0;border-radius:8px;cursor:pointer}
.hint{margin:0;font-size:.85rem;color:#5b6b63}
.fault{padding:.6rem .8rem;background:#fdecea;border-radius:8px}
`

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}
const escaped = (text: string) => text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign)
