/** The events that wait for a webhook, in words. A long queue is counted only so far. */
export const waiting = {
  en: `{% if data.waitingAtLeast %}more than {% endif %}{{ data.waiting }} {% if data.waiting == 1 %}event{% else %}events{% endif %}`,
  de: `{% if data.waitingAtLeast %}mehr als {% endif %}{{ data.waiting }} {% if data.waiting == 1 %}Ereignis{% else %}Ereignisse{% endif %}`,
}
export const givenUp = {
  en: `{% if data.givenUp > 0 %}{{ data.givenUp }}, kept as dead letters{% endif %}`,
  de: `{% if data.givenUp > 0 %}{{ data.givenUp }}, als Dead Letters aufbewahrt{% endif %}`,
}
