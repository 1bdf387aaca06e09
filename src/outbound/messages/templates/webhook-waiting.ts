/** The events that wait for a webhook, in words. A long queue is counted only so far. */
export const waiting = `{% if data.waitingAtLeast %}more than {% endif %}{{ data.waiting }} {% if data.waiting == 1 %}event{% else %}events{% endif %}`
