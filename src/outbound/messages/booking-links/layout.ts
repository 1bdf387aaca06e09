/** The shape of the pages that links of mails open: HTML without a script, light and dark, for a phone's width. */
import type { Language } from "#base/languages.ts"

export interface HtmlPage {
  readonly status: number
  readonly html: string
}

/** A row of the page: a label and its value. */
export type PageRow = readonly [label: string, value: string]

export interface PageParts {
  readonly language: Language
  readonly facility: string
  readonly title: string
  /** What was just done or refused. */
  readonly said?: { readonly text: string; readonly isFault: boolean }
  readonly rows?: readonly PageRow[]
  readonly notes?: readonly string[]
  /** Each is a form of its own: the page changes nothing, and only its POST does. */
  readonly buttons?: readonly { readonly act: string; readonly words: string; readonly isQuiet?: boolean }[]
  readonly links?: readonly { readonly to: string; readonly words: string }[]
}

export function htmlPage(status: number, parts: PageParts): HtmlPage {
  const { language, facility, title, said, rows = [], notes = [], buttons = [], links = [] } = parts
  const body = [
    ...(said ? [`<p class="said${said.isFault ? " fault" : ""}" role="status">${escaped(said.text)}</p>`] : []),
    ...(rows.length === 0
      ? []
      : [`<dl>${rows.map(([label, value]) => `<dt>${escaped(label)}</dt><dd>${escaped(value)}</dd>`).join("")}</dl>`]),
    ...notes.map((note) => `<p>${escaped(note)}</p>`),
    ...(links.length === 0
      ? []
      : [
          `<ul>${links.map(({ to, words }) => `<li><a href="${escaped(to)}">${escaped(words)}</a></li>`).join("")}</ul>`,
        ]),
    ...buttons.map(
      ({ act, words, isQuiet = false }) =>
        `<form method="post"><button name="act" value="${act}"${isQuiet ? ' class="quiet"' : ""}>${escaped(words)}</button></form>`,
    ),
  ]
  const html = `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body><main><p class="club">${escaped(facility)}</p><h1>${escaped(title)}</h1>${body.join("\n")}</main></body>
</html>
`
  return { status, html }
}

const style = `
:root{color-scheme:light dark;--page:#eef2f0;--card:#fff;--ink:#16241d;--soft:#5b6b63;--line:#dde5e1;--go:#14532d;--on:#fff;--fault:#fdecea;--said:#e3f3e9}
@media (prefers-color-scheme:dark){:root{--page:#101513;--card:#1a211e;--ink:#e6ece9;--soft:#9fb0a7;--line:#33403a;--go:#3f9a66;--on:#07130c;--fault:#43211e;--said:#1c3a28}}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 -apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{box-sizing:border-box;max-width:30rem;margin:8vh auto;padding:1.75rem 2rem 2rem;background:var(--card);border-radius:12px;overflow-wrap:anywhere}
@media (max-width:32rem){main{margin:0;min-height:100vh;border-radius:0;padding:1.25rem}}
h1{margin:0 0 1rem;font-size:1.4rem;line-height:1.3}
.club{margin:0 0 .25rem;color:var(--soft);font-weight:600}
dl{display:grid;grid-template-columns:7rem 1fr;margin:0 0 1rem;border-top:1px solid var(--line)}
dt,dd{margin:0;padding:.55rem 0;border-bottom:1px solid var(--line)}
dt{color:var(--soft);padding-right:.75rem}
ul{margin:0;padding:0;list-style:none}
li{border-bottom:1px solid var(--line)}
li a{display:block;padding:.7rem 0;color:inherit}
button{width:100%;margin-top:.75rem;padding:.8rem 1.2rem;font:inherit;font-weight:600;color:var(--on);background:var(--go);border:1px solid var(--go);border-radius:8px;cursor:pointer}
button.quiet{color:var(--ink);background:transparent;border-color:var(--soft)}
.said{padding:.6rem .8rem;background:var(--said);border-radius:8px}
.fault{background:var(--fault)}
`

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}
const escaped = (text: string) => text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign)
