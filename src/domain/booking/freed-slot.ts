/** A stretch of a resource that a booking no longer takes. */
export interface FreedSlot {
  readonly facilityId: string
  readonly resourceId: string
  readonly startAt: Date
  readonly endAt: Date
}
