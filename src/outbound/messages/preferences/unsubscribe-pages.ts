/**
 * The pages of an unsubscribe link, without any script. Opening the link changes nothing: mail programs and scanners
 * open links by themselves. The page has a button, and only its POST unsubscribes. Nothing that a caller sent is shown.
 */
import type { Language } from "#base/languages.ts"
import { wordsOfType } from "./type-words.ts"
import type { Unsubscription } from "./unsubscribe.ts"

/** The form's body is the one that mail programs send (RFC 8058, section 3.2). */
export const oneClick = { name: "List-Unsubscribe", value: "One-Click" } as const

export const unsubscribeAskPage = (wanted: Unsubscription, language: Language): string =>
  page(
    language,
    words.ask[language],
    `<p>${kindOf(wanted, language)}</p><p>${words.others[language]}</p>
<form method="post"><input type="hidden" name="${oneClick.name}" value="${oneClick.value}"><button>${words.button[language]}</button></form>`,
  )

export const unsubscribedPage = (wanted: Unsubscription, language: Language): string =>
  page(
    language,
    words.done[language],
    `<p>${words.off[language]} ${kindOf(wanted, language)}</p><p>${words.again[language]}</p>`,
  )

/** Without a token nobody is known, so these two speak both languages. */
export const noTokenPage = (): string => bothPage("noToken", "noTokenWhy")
export const notOneClickPage = (): string => bothPage("notDone", "notDoneWhy")

const bothPage = (title: keyof typeof words, why: keyof typeof words) =>
  page("en", words[title].en, `<p>${words[why].en}</p><p lang="de">${words[title].de}. ${words[why].de}</p>`)

const of = (en: string, de: string) => ({ en, de })
const words = {
  ask: of("Stop these messages?", "Diese Nachrichten abbestellen?"),
  others: of("Everything else still comes.", "Alles andere kommt weiterhin."),
  button: of("Unsubscribe", "Abbestellen"),
  done: of("You are unsubscribed", "Abbestellt"),
  off: of("These no longer come:", "Das kommt nicht mehr:"),
  again: of("Your settings switch them on again.", "In deinen Einstellungen schaltest du sie wieder ein."),
  noToken: of("This link opens nothing", "Dieser Link öffnet nichts"),
  noTokenWhy: of(
    "It is not whole. Copy the whole address out of the mail.",
    "Er ist nicht vollständig. Kopier die ganze Adresse aus der Mail.",
  ),
  notDone: of("Nothing was changed", "Es wurde nichts geändert"),
  notDoneWhy: of(
    "Open the link in a browser, and use its button.",
    "Öffne den Link im Browser und nimm den Knopf dort.",
  ),
} as const

const channelWords = {
  email: of("Mails about", "Mails über"),
  sms: of("Text messages about", "SMS über"),
  push: of("Push messages about", "Push-Nachrichten über"),
  in_app: of("Messages about", "Nachrichten über"),
} as const

/** The type is one of the program's own names. */
const kindOf = ({ type, channel }: Unsubscription, language: Language) =>
  `${channelWords[channel][language]} ${wordsOfType(type, language) ?? type.replace(/[._]/g, " ")}.`

function page(language: Language, title: string, body: string): string {
  return `<!doctype html>
<html lang="${language}">
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
