/**
 * Which event tells whom what, in one list. booking.confirmed and feedback.published are the specification's
 * NOTIFICATION_CONFIGS to the letter; the others are this project's, for the events that the specification's registry
 * gives to NotificationHandler, and for the no-show, which costs its booker a strike.
 * There is no welcome mail: registration is open, so anybody could have it sent to anybody.
 */
import type { EventType } from "../events/catalogue.ts"
import type { TemplateId } from "../mail/render.ts"

export type RecipientType = "booker" | "participants" | "parents" | "facility_admins" | "payer"
export type Channel = "email" | "push"

export interface NotificationConfig {
  readonly templateId: TemplateId
  readonly priority: "high" | "normal"
  readonly recipients: readonly { readonly type: RecipientType; readonly channel: Channel }[]
}

const configs = {
  "booking.confirmed": {
    templateId: "booking-confirmation",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "booker", channel: "push" },
      { type: "participants", channel: "email" },
    ],
  },
  "feedback.published": {
    templateId: "session-feedback",
    priority: "normal",
    recipients: [
      { type: "parents", channel: "email" },
      { type: "parents", channel: "push" },
    ],
  },
  "booking.cancelled": {
    templateId: "booking-cancelled",
    priority: "high",
    recipients: [
      { type: "booker", channel: "email" },
      { type: "booker", channel: "push" },
      { type: "participants", channel: "email" },
    ],
  },
  "booking.no_show": {
    templateId: "booking-no-show",
    priority: "normal",
    recipients: [{ type: "booker", channel: "email" }],
  },
  "payment.succeeded": {
    templateId: "payment-receipt",
    priority: "normal",
    recipients: [{ type: "payer", channel: "email" }],
  },
  "subscription.limit_warning": {
    templateId: "limit-warning",
    priority: "high",
    recipients: [{ type: "facility_admins", channel: "email" }],
  },
} as const satisfies Partial<Record<EventType, NotificationConfig>>

export const NOTIFICATION_CONFIGS: Readonly<Partial<Record<string, NotificationConfig>>> = configs

/** The events that somebody is notified of. */
export const notifiedEvents = Object.keys(configs) as (keyof typeof configs)[]
