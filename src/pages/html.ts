/**
 * The first HTML of the booking page: the day as a table that can be read without a script. The script then takes over
 * the same cells. Every value is escaped where it enters the HTML.
 */
import { daysLater, gridClass, type Row, rowsOf, type ShownDay, type ShownSlot, stateWord } from "#web/booking/day.ts"
import type { PageFacts } from "#web/booking/facts.ts"
import { dayOf, hoursOf, moneyOf, type PageLanguage, timeOf } from "#web/booking/times.ts"
import { pageWordsOf } from "#web/booking/words.ts"
import { escapedText, scriptJson } from "./escaped.ts"

export interface Shell {
  readonly nonce: string
  readonly script: string
  readonly style: string
  readonly now: number
}

export function bookingPageHtml(facts: PageFacts, { nonce, script, style, now }: Shell): string {
  const words = pageWordsOf[facts.language]
  return `<!doctype html>
<html lang="${facts.language}"${facts.isEmbedded ? ' class="embedded"' : ""}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f3f6f4" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#0f1512" media="(prefers-color-scheme: dark)">
<meta property="csp-nonce" nonce="${nonce}">
<title>${escapedText(words.page(facts.facility.name))}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${style}">
<style nonce="${nonce}">.grid{--courts:${facts.day?.resources.length ?? 0}}</style>
<script type="module" nonce="${nonce}" src="${script}"></script>
</head>
<body>
<div id="page">${shellOf(facts, now)}</div>
<script type="application/json" id="facts">${scriptJson(facts)}</script>
</body>
</html>
`
}

function shellOf(facts: PageFacts, now: number): string {
  const words = pageWordsOf[facts.language]
  const day = dayOf(facts, facts.date)
  const other = facts.language === "en" ? "de" : "en"
  const link = (days: number, says: string) =>
    `<a class="step" href="${escapedText(addressOf(facts, daysLater(facts.date, days)))}" aria-label="${escapedText(says)}">${days < 0 ? "‹" : "›"}</a>`
  return `<header class="top"><p class="club">${escapedText(facts.facility.name)}</p>
<div class="ways"><a class="way" lang="${other}" href="${escapedText(addressOf({ ...facts, language: other }, facts.date))}">${escapedText(other === "de" ? words.german : words.english)}</a></div></header>
<main><div class="daybar">${link(-1, words.dayBefore)}<h1 class="dayname">${escapedText(day)}</h1>${link(1, words.dayAfter)}
${pickerOf(facts)}</div>
${facts.day === null ? `<p class="card note">${escapedText(words.membersOnly)}</p>` : tableOf(facts, facts.day, now)}
<p class="zone">${escapedText(words.zone(facts.facility.timezone))}</p>
<noscript><p class="card note">${escapedText(facts.day === null ? words.noScriptSignIn : words.noScript)}</p></noscript></main>`
}

/** The ways to today and to any day, as the script has them at the same place. */
function pickerOf(facts: PageFacts): string {
  const words = pageWordsOf[facts.language]
  const { date, firstDay, lastDay, today, court, isEmbedded, language } = facts
  const kept = { lang: language, ...(court !== null && { court }), ...(isEmbedded && { embed: "1" }) }
  const hidden = Object.entries(kept).map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`)
  const toToday = `<a class="quiet small" href="${escapedText(addressOf(facts, today))}">${escapedText(words.today)}</a>`
  return `<form class="daypick">${hidden.join("")}${date === today ? "" : toToday}
<label class="picker"><span class="unseen">${escapedText(words.chooseDay)}</span>
<input type="date" name="date" value="${date}" min="${firstDay}" max="${lastDay}"></label>
<noscript><button class="quiet small">${escapedText(words.show)}</button></noscript></form>`
}

function tableOf(facts: PageFacts, day: ShownDay, now: number): string {
  const words = pageWordsOf[facts.language]
  if (day.resources.length === 0)
    return `<p class="card note">${escapedText(facts.court === null ? words.noCourts : words.noSuchCourt)}</p>`
  const rows = rowsOf(day.resources)
  if (rows.length === 0) return `<p class="card note">${escapedText(words.closedDay)}</p>`
  const head = day.resources.map(({ name }) => `<th scope="col">${escapedText(name)}</th>`).join("")
  const body = rows.map((row) => rowOf(facts, row, timeOf(facts, row.startAt), now)).join("\n")
  return `<div class="scroll"><table class="${gridClass(day)}"><caption class="unseen">${escapedText(words.grid(dayOf(facts, day.date)))}</caption>
<thead><tr><th scope="col" class="corner"><span class="unseen">${escapedText(words.hour)}</span></th>${head}</tr></thead>
<tbody>
${body}
</tbody></table></div>`
}

const rowOf = (facts: PageFacts, row: Row, time: string, now: number): string =>
  `<tr><th scope="row">${escapedText(time)}</th>${row.cells.map((slot) => cellOf(facts, slot, now)).join("")}</tr>`

function cellOf(facts: PageFacts, slot: ShownSlot | undefined, now: number): string {
  const words = pageWordsOf[facts.language]
  if (slot === undefined)
    return `<td class="cell nothing"><span class="unseen">${escapedText(words.nothing)}</span></td>`
  const state = Date.parse(slot.startAt) <= now && slot.status === "free" ? "past" : slot.status
  const price = slot.priceAmount === 0 ? words.free : moneyOf(facts, slot.priceAmount, facts.currency)
  const says = state === "free" ? price : stateWord(words, state, slot.endAt, now)
  return `<td class="cell ${state}" title="${hoursOf(facts, slot.startAt, slot.endAt)}"><span class="says">${escapedText(says)}</span></td>`
}

const addressOf = ({ facility, court, isEmbedded, language }: PageFacts, date: string): string => {
  const query = new URLSearchParams({
    date,
    lang: language,
    ...(court !== null && { court }),
    ...(isEmbedded && { embed: "1" }),
  })
  return `/f/${facility.id}?${query}`
}

/** The page of a facility that is not there. */
export function missingPage(style: string, language: PageLanguage): string {
  const words = pageWordsOf[language]
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapedText(words.noClub)}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="${style}"></head>
<body><main class="missing"><h1>${escapedText(words.noClub)}</h1><p class="card note">${escapedText(words.noClubHelp)}</p></main></body></html>
`
}
