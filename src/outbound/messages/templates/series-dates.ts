/** The dates of a series in words: from when to when, and each of them. */

/** Such as "Thursdays, 18:00–19:00, from 12 March 2026 to 7 May 2026". */
const span = (from: string, to: string, at: string) =>
  `{% if series.weekday != "" %}{{ series.weekday | weekdays }}, {% endif %}` +
  `{% if series.sameTime %}{{ series.startTime }}–{{ series.endTime }}${at}, {% endif %}` +
  `{% if series.first == series.last %}{{ series.first | day }}{% else %}${from}{{ series.first | date }}${to}{{ series.last | date }}{% endif %}`

export const seriesSpan = { en: span("from ", " to ", ""), de: span("vom ", " bis ", " Uhr") }

/** A long list is cut; the count stands in the text. */
export const seriesDates =
  `{% for each in series.dates %}` +
  `{% if series.sameTime %}{{ each.day | short_day }}{% else %}{{ each.startAt | short_time: facility.timezone }}{% endif %}` +
  `{% unless forloop.last %} · {% endunless %}{% endfor %}{% if series.more > 0 %} … (+{{ series.more }}){% endif %}`
