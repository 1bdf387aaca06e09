/** The pages to which a provider sends a browser back, without any script. What the browser brought is not shown. */
import { pageHeaders } from "#domain/people/accounts/pages.ts"

export const consentGivenPage = (code: string): Response =>
  page(
    200,
    "Your calendar can be connected",
    `<p>Copy this code to where you began. It is good for 30 minutes, and only for you.</p><p><code>${code}</code></p>`,
  )

export const consentRefusedPage = (status: number, says: string): Response =>
  page(status, "Your calendar was not connected", `<p>${says}</p>`)

const page = (status: number, title: string, body: string) =>
  new Response(
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1rem}code{word-break:break-all}</style>
</head>
<body><main><h1>${title}</h1>${body}</main></body>
</html>
`,
    { status, headers: pageHeaders },
  )
