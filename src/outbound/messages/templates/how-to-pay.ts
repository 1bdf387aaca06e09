/** How an open amount is paid: by a transfer, if the facility has named an account, or at the facility. */

export const payBy = `{% if data.iban %}{% if data.accountHolder %}{{ data.accountHolder }}, {% endif %}IBAN {{ data.iban }}{% endif %}`

export const payNote = {
  en: `{% if data.iban %}Pay by a transfer with the reference, or at {{ facility.name }}.{% else %}Pay at {{ facility.name }}.{% endif %} If you have paid already, this message has crossed your payment.`,
  de: `{% if data.iban %}Bezahl per Überweisung mit der Kennung oder vor Ort bei {{ facility.name }}.{% else %}Bezahl vor Ort bei {{ facility.name }}.{% endif %} Wenn du schon bezahlt hast, hat sich diese Nachricht mit deiner Zahlung überschnitten.`,
}
