/**
 * A place in the event log as text: `<position>`, or `<position>-<epoch>`. In this form it is the ETag of availability,
 * the id of a server-sent event, and what `after` takes. Positions repeat in another epoch, which is another log: a new
 * database, or one restored from a backup. A position without an epoch counts in the present one.
 */

export interface LogPlace {
  /** Below 10^15, so it is exact as a number. */
  readonly position: number
  readonly epoch?: string | undefined
}

export const placePattern = /^\d{1,15}(?:-[0-9a-f]{16})?$/u

/** Undefined when the text is no place. */
export function readPlace(text: string): LogPlace | undefined {
  if (!placePattern.test(text)) return undefined
  const [position, epoch] = text.split("-")
  return { position: Number(position), ...(epoch !== undefined && { epoch }) }
}

export const placeText = (position: number | string, epoch: string): string => `${position}-${epoch}`

/** Whether a place is of another log than that of the epoch. */
export const isOfOtherLog = ({ epoch }: LogPlace, present: string): boolean => epoch !== undefined && epoch !== present
