/** Ids are UUIDv7 made here. They sort by time, and the partitions of the event tables rely on that. */
import { clock } from "./clock.ts"

/** A new UUIDv7 with the time of the one clock. The ids of one process increase also within a millisecond. */
export const newId = (): string => Bun.randomUUIDv7("hex", clock.now())

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Whether a text is a UUID. Check a caller's text before comparing it with a uuid column, which would answer with an
 * error.
 */
export const isId = (text: string): boolean => uuid.test(text)

/** The fixed facility of rows that belong to no facility. */
export const platformFacilityId = "00000000-0000-7000-8000-000000000000"
/** The fixed user rows of the root key and of the scheduled jobs. */
export const rootUserId = "00000000-0000-7000-8000-000000000001"
export const jobsUserId = "00000000-0000-7000-8000-000000000002"
