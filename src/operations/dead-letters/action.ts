/** What to do about a dead letter, in one or two sentences, by who gave it up and the code of its last error. Pure. */

export interface DeadCause {
  /** Undefined: a delivery of a webhook. */
  readonly handler?: string | undefined
  readonly code: string
}

export function actionOf({ handler, code }: DeadCause): string {
  if (code === "event_gone")
    return "The event has left the log, and cannot be reprocessed. Do by hand what was to be done, and resolve it."
  if (handler === undefined)
    return "Look at the answers of the receiver in the attempts, and mend it. Then reprocess it: the event is sent again."
  if (code === "unknown_outcome")
    return "The process ended in the middle. Look whether the effect has happened: resolve it if so, else reprocess it."
  return byCode[code] ?? byHandler[handler] ?? usual
}

const byCode: Readonly<Record<string, string>> = {
  mail_undeliverable:
    "Correct the address, or the settings of the mail server. Then reprocess it: who has the message gets no second one.",
  not_rendered: "Correct the template of the message, then reprocess it.",
  notifications_unsent: "Mend the mail server, then reprocess it: who has the message gets no second one.",
  no_such_subscription:
    "The payment has no subscription. Refund it, and resolve this by hand; to reprocess it is no use.",
}

const byHandler: Readonly<Record<string, string>> = {
  RefundHandler:
    "No payment is tried again by itself. Look at the refund at the provider. Then reprocess it to ask anew, or give the money back by hand and resolve it.",
}

const usual =
  "Mend the cause that the last error names, then reprocess it: the handler runs again, with the retries of a new event."
