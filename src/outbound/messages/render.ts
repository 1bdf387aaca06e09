/**
 * Makes messages from templates. A template's fields become single lines of plain text first, whatever names and notes
 * they quote. Only the layout makes HTML, and it escapes every value. So no name can add a header, a line or markup to
 * a mail.
 */
import { type Template as Compiled, Liquid } from "liquidjs"
import { localTime, money, period, shortTime } from "./format.ts"
import { linkPlace } from "./link-place.ts"
import { accountInvitation } from "./templates/account-invitation.ts"
import { approvalExpired } from "./templates/approval-expired.ts"
import { approvalGranted } from "./templates/approval-granted.ts"
import { approvalRejected } from "./templates/approval-rejected.ts"
import { approvalRequested } from "./templates/approval-requested.ts"
import { bookingCancelled } from "./templates/booking-cancelled.ts"
import { bookingConfirmation } from "./templates/booking-confirmation.ts"
import { bookingLocalTimeChanged } from "./templates/booking-local-time-changed.ts"
import { bookingNoShow } from "./templates/booking-no-show.ts"
import { bookingReminder } from "./templates/booking-reminder.ts"
import { bookingRescheduled } from "./templates/booking-rescheduled.ts"
import { bookingStruck } from "./templates/booking-struck.ts"
import { coachBlockDecided } from "./templates/coach-block-decided.ts"
import { coachBlockExpired } from "./templates/coach-block-expired.ts"
import { coachBlockRequested } from "./templates/coach-block-requested.ts"
import { coachBlockStruck } from "./templates/coach-block-struck.ts"
import { emailChangeNotice } from "./templates/email-change-notice.ts"
import { emailChanged } from "./templates/email-changed.ts"
import { emailConfirmation } from "./templates/email-confirmation.ts"
import { htmlLayout, textLayout } from "./templates/layout.ts"
import { limitWarning } from "./templates/limit-warning.ts"
import { noShowUndone } from "./templates/no-show-undone.ts"
import { passwordChanged } from "./templates/password-changed.ts"
import { passwordReset } from "./templates/password-reset.ts"
import { paymentFailed } from "./templates/payment-failed.ts"
import { paymentReceipt } from "./templates/payment-receipt.ts"
import { paymentVoided } from "./templates/payment-voided.ts"
import { phoneCode } from "./templates/phone-code.ts"
import { platformFailing } from "./templates/platform-failing.ts"
import { platformRecovered } from "./templates/platform-recovered.ts"
import { refundFailed } from "./templates/refund-failed.ts"
import { seriesBlocked } from "./templates/series-blocked.ts"
import { sessionFeedback } from "./templates/session-feedback.ts"
import { subscriptionCancelled } from "./templates/subscription-cancelled.ts"
import { subscriptionChanged } from "./templates/subscription-changed.ts"
import { subscriptionRenewed } from "./templates/subscription-renewed.ts"
import { subscriptionStatus } from "./templates/subscription-status.ts"
import type { Template } from "./templates/template.ts"
import { waitlistExpired } from "./templates/waitlist-expired.ts"
import { waitlistOffer } from "./templates/waitlist-offer.ts"
import { webhookDisabled } from "./templates/webhook-disabled.ts"
import { webhookFailing } from "./templates/webhook-failing.ts"
import { webhookRecovered } from "./templates/webhook-recovered.ts"

export type TemplateId = keyof typeof compiled

/** The variables of a template. */
export interface View {
  readonly data: object
  /** UTC instant. */
  readonly occurredAt: string
  readonly recipient: {
    readonly userId: string
    readonly firstName: string
    readonly name: string
    readonly as: string
  }
  readonly facility: { readonly name: string; readonly timezone: string; readonly currency: string }
  /** Name of the resource, or empty. */
  readonly resource: string
}

export interface Message {
  readonly subject: string
  /** For channels that show one or two sentences. */
  readonly short: string
  readonly text: string
  readonly html: string
}

/** Throws when the view lacks a variable of the template, or when an instant, zone or currency is invalid. */
export function render(id: TemplateId, view: View): Message {
  const template = compiled[id]
  const line = (piece: Compiled[], limit = longestLine) => oneLine(engine.renderSync(piece, view), limit)
  const subject = line(template.subject, longestSubject)
  const short = line(template.short)
  const words = {
    subject,
    short,
    heading: line(template.heading),
    lead: line(template.lead),
    facts: template.facts.map(([label, value]) => ({ label, value: line(value) })).filter((fact) => fact.value !== ""),
    action: line(template.action, longestSubject),
    link: linkPlace,
    note: line(template.note),
    greeting: oneLine(`Hello ${view.recipient.firstName}`, longestSubject).concat(","),
    facility: oneLine(view.facility.name, longestSubject),
  }
  return { subject, short, text: engine.renderSync(text, words), html: escaping.renderSync(html, words) }
}

/**
 * Makes a single line. Control characters, line breaks and runs of blanks become one blank.
 * Characters that reverse the direction of writing are dropped, because they disguise a text.
 */
export function oneLine(text: string, limit = longestLine): string {
  const line = text
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim()
  return line.length <= limit ? line : `${line.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, "")}…`
}

/** Characters. A person's reason can be long; a mail of it should not be. */
const longestLine = 1_000
/** Characters. The mail client folds a line long before, at its own limit of 998 bytes. */
const longestSubject = 200

/**
 * The templates are the program's own, and their values have limits of their own. These limits end a template that an
 * edit made endless. A template of a facility's own must be rendered by a task in a child process.
 */
export const templateLimits = {
  /** Characters of a template. The longest, the layout, has less than 5,000. */
  parseLimit: 50_000,
  /** Milliseconds. A message takes less than 1; a busy machine takes its time. */
  renderLimit: 2_000,
  /** Characters and elements that filters and loops make. */
  memoryLimit: 1_000_000,
}

const options = {
  ...templateLimits,
  strictVariables: true,
  strictFilters: true,
  lenientIf: true,
  ownPropertyOnly: true,
}
const engine = new Liquid(options)
const escaping = new Liquid({ ...options, outputEscape: "escape" })

engine.registerFilter("money", money)
engine.registerFilter("local_time", localTime)
engine.registerFilter("short_time", shortTime)
engine.registerFilter("period", period)

// Compiled once, at the start: a template that does not parse stops the program, not a mail.
const text = engine.parse(textLayout)
const html = escaping.parse(htmlLayout)
const compiled = {
  "booking-confirmation": compile(bookingConfirmation),
  "booking-cancelled": compile(bookingCancelled),
  "booking-no-show": compile(bookingNoShow),
  "booking-reminder": compile(bookingReminder),
  "session-feedback": compile(sessionFeedback),
  "payment-receipt": compile(paymentReceipt),
  "limit-warning": compile(limitWarning),
  "approval-expired": compile(approvalExpired),
  "approval-granted": compile(approvalGranted),
  "approval-rejected": compile(approvalRejected),
  "approval-requested": compile(approvalRequested),
  "booking-local-time-changed": compile(bookingLocalTimeChanged),
  "booking-rescheduled": compile(bookingRescheduled),
  "booking-struck": compile(bookingStruck),
  "coach-block-decided": compile(coachBlockDecided),
  "coach-block-expired": compile(coachBlockExpired),
  "coach-block-struck": compile(coachBlockStruck),
  "coach-block-requested": compile(coachBlockRequested),
  "no-show-undone": compile(noShowUndone),
  "payment-failed": compile(paymentFailed),
  "payment-voided": compile(paymentVoided),
  "refund-failed": compile(refundFailed),
  "series-blocked": compile(seriesBlocked),
  "subscription-cancelled": compile(subscriptionCancelled),
  "subscription-changed": compile(subscriptionChanged),
  "subscription-renewed": compile(subscriptionRenewed),
  "subscription-status": compile(subscriptionStatus),
  "waitlist-expired": compile(waitlistExpired),
  "waitlist-offer": compile(waitlistOffer),
  "webhook-disabled": compile(webhookDisabled),
  "webhook-failing": compile(webhookFailing),
  "webhook-recovered": compile(webhookRecovered),
  "platform-failing": compile(platformFailing),
  "platform-recovered": compile(platformRecovered),
  "account-invitation": compile(accountInvitation),
  "email-change-notice": compile(emailChangeNotice),
  "email-changed": compile(emailChanged),
  "email-confirmation": compile(emailConfirmation),
  "password-changed": compile(passwordChanged),
  "password-reset": compile(passwordReset),
  "phone-code": compile(phoneCode),
} as const

function compile(template: Template): CompiledTemplate {
  return {
    subject: engine.parse(template.subject),
    short: engine.parse(template.short),
    heading: engine.parse(template.heading),
    lead: engine.parse(template.lead),
    facts: template.facts.map(([label, value]) => [label, engine.parse(value)] as const),
    action: engine.parse(template.action ?? ""),
    note: engine.parse(template.note),
  }
}

interface CompiledTemplate {
  readonly subject: Compiled[]
  readonly short: Compiled[]
  readonly heading: Compiled[]
  readonly lead: Compiled[]
  readonly facts: readonly (readonly [label: string, value: Compiled[]])[]
  readonly action: Compiled[]
  readonly note: Compiled[]
}
