/** The shapes between the log and the channels: a row of the log, the change that it makes, and a frame. */

/** A row of the log as `readLog` gives it. */
export interface LogRow {
  readonly position: number
  readonly event_id: string
  readonly facility_id: string
  readonly type: string
  /** Null when the event itself is no longer kept. Its timestamp and the fields below are null too. */
  readonly data: object | null
  readonly timestamp: Date | null
  /** The time zone of the facility. */
  readonly timezone: string
  /** The longest buffer that the facility has ever had, minutes. */
  readonly longest_buffer: number
  /** The booking of the event, if there is one. */
  readonly booking_id: string | null
  readonly booker_id: string | null
  readonly participant_ids: readonly string[]
  /** The time and resource of the event's coach block, where its data lacks them. */
  readonly stretch: { readonly resourceId: string; readonly startAt: string; readonly endAt: string } | null
  /** The messages that a `notification.created` announces; null for other events, and when they are gone. */
  readonly notices: readonly Notice[] | null
}

/** A message inside the program, as its reader's channel carries it. */
export interface Notice {
  readonly notificationId: string
  readonly userId: string
  readonly type: string
  readonly title: string
  readonly body: string
  readonly data: object
}

export interface Frame {
  readonly type: "booking.update" | "availability.changed" | "feedback.new" | "notification" | "resync"
  readonly channel: string
  readonly position: number
  readonly eventId: string
  readonly payload?: object
  /** More frames of this position follow on this channel: a client that has only some of them resumes before it. */
  readonly more?: true
}

/** A frame as it is sent. */
export interface FrameText {
  readonly position: number
  readonly text: string
}

/**
 * The change that an event made: a time of a resource, of several (empty: of all), a resource itself, or a whole
 * facility.
 */
export type AvailabilityChange =
  | { readonly what: "stretch"; readonly resourceId: string; readonly startAt: string; readonly endAt: string }
  | {
      readonly what: "closure"
      readonly resourceIds: readonly string[]
      readonly startAt: string
      readonly endAt: string
    }
  | { readonly what: "resource"; readonly resourceId: string }
  | { readonly what: "facility" }
