// From events to frames, without a database: every channel that the catalogue promises for a type gets a frame.

import { expect, test } from "bun:test"
import { catalogue } from "#events/catalogue.ts"
import { example } from "#events/example.ts"
import { channelName, parseChannel } from "#outbound/live/channels.ts"
import { readFrame } from "#outbound/live/client-frames.ts"
import {
  type AvailabilityChange,
  availabilityChangeOf,
  availabilityChangesOf,
  bookingStatuses,
  framesOf,
  type LogRow,
  textOf,
} from "#outbound/live/frames.ts"
import { concernedOf, concernsAll, slotChangesOf } from "#outbound/live/slots.ts"

const rowOf = (type: string, data: object): LogRow => ({
  position: 7,
  event_id: example.eventId,
  facility_id: example.facilityId,
  type,
  data,
  timezone: "Europe/Berlin",
  longest_buffer: 0,
  timestamp: new Date("2026-03-09T16:20:30.125Z"),
  booking_id: "bookingId" in data ? example.bookingId : null,
  booker_id: "bookingId" in data ? example.playerId : null,
  participant_ids: [],
  stretch: /^coach\.block\.(approved|rejected)$/.test(type)
    ? { resourceId: example.resourceId, startAt: example.startAt, endAt: example.endAt }
    : null,
  notices:
    type === "notification.created"
      ? [
          {
            notificationId: example.notificationId,
            userId: example.playerId,
            type: "booking.confirmed",
            title: "Booked",
            body: "Court 1 is yours.",
            data: { bookingId: example.bookingId },
          },
        ]
      : null,
})

test("every event reaches exactly the channels that the catalogue names", () => {
  // They change the slots of every day, and are sent as today's slots and a resync.
  const anyDay = ["resource.created", "resource.updated", "facility.settings_updated"]
  for (const { type, channels, sample } of catalogue) {
    const row = rowOf(type, sample)
    const patterns = framesOf(row).map(({ channel }) => parseChannel(channel)?.pattern)
    const slots = availabilityChangeOf(row) && !anyDay.includes(type) ? availability : []
    expect([type, [...new Set([...patterns, ...slots])].sort()] as unknown).toEqual([type, [...channels].sort()])
  }
  const sampleOf = (type: string) => catalogue.find((each) => each.type === type)?.sample ?? {}
  expect(anyDay.map((type) => availabilityChangeOf(rowOf(type, sampleOf(type)))?.what)).toEqual([
    "resource",
    "resource",
    "facility",
  ])
})
const availability = ["facility:{facilityId}:availability", "resource:{resourceId}:availability"] as const

test("each event that changes a booking has its status", () => {
  expect(bookingStatuses).toEqual({
    "booking.hold.created": "held",
    "booking.hold.extended": "held",
    "booking.hold.released": "released",
    "booking.approval.requested": "pending",
    "booking.approval.expired": "expired",
    "booking.confirmed": "confirmed",
    "booking.cancelled": "cancelled",
    "booking.checked_in": "checked_in",
    "booking.check_in.undone": "confirmed",
    "booking.no_show": "no_show",
    "booking.no_show.undone": "confirmed",
    "booking.completed": "completed",
  })
})

test("a move keeps the booking's status, and changes both its old and its new time", () => {
  const sample = catalogue.find(({ type }) => type === "booking.rescheduled")?.sample ?? {}
  const row = rowOf("booking.rescheduled", { ...sample, previousResourceId: example.ownerId, status: "pending" })
  expect(framesOf(row).map(({ payload }) => payload)).toEqual(
    Array(2).fill({ bookingId: example.bookingId, status: "pending", updatedAt: "2026-03-09T16:20:30.125Z" }),
  )
  expect(availabilityChangesOf(row)).toEqual([
    { what: "stretch", resourceId: example.resourceId, startAt: example.startAt, endAt: example.endAt },
    {
      what: "stretch",
      resourceId: example.ownerId,
      startAt: "2026-03-11T17:00:00.000Z",
      endAt: "2026-03-11T18:00:00.000Z",
    },
  ])
  expect(availabilityChangesOf(rowOf("booking.confirmed", { ...sample }))).toHaveLength(1)
  expect(availabilityChangesOf(rowOf("booking.no_show", {}))).toEqual([])
})

test("a frame is one line of JSON with its position as text", () => {
  const [frame] = framesOf(rowOf("booking.no_show", {}))
  if (!frame) throw new Error("no frame")
  expect(JSON.parse(textOf({ ...frame, channel: "c" }))).toEqual({
    type: "booking.update",
    channel: "c",
    position: "7",
    eventId: example.eventId,
    payload: { bookingId: null, status: "no_show", updatedAt: "2026-03-09T16:20:30.125Z" },
  })
})

test("a closure concerns its resources, or all resources of the facility when it names none", () => {
  const closed = (resourceIds: string[]) =>
    availabilityChangeOf(rowOf("facility.closure.created", { resourceIds })) as AvailabilityChange
  const all = [example.resourceId, example.ownerId]
  expect(concernedOf(closed([example.resourceId]), all)).toEqual([example.resourceId])
  expect(concernedOf(closed([]), all)).toEqual(all)
  expect([concernsAll(closed([example.resourceId])), concernsAll(closed([]))]).toEqual([false, true])
})

test("an event that has left retention makes no frame", () => {
  expect(framesOf({ ...rowOf("booking.confirmed", {}), data: null })).toEqual([])
  expect(availabilityChangeOf({ ...rowOf("booking.confirmed", {}), data: null })).toBeUndefined()
})

test("a booker that also plays gets one frame", () => {
  const row = {
    ...rowOf("booking.confirmed", {}),
    booker_id: example.playerId,
    participant_ids: [example.playerId, example.friendId],
  }
  expect(framesOf(row).map(({ channel }) => channel)).toEqual([
    `user:${example.playerId}:bookings`,
    `user:${example.friendId}:bookings`,
    `facility:${example.facilityId}:bookings`,
  ])
})

test("a channel has exactly one name", () => {
  const name = channelName("facility:{facilityId}:check-ins", example.facilityId)
  expect(name).toBe(`facility:${example.facilityId}:check-ins`)
  expect(parseChannel(name)).toEqual({ name, pattern: "facility:{facilityId}:check-ins", id: example.facilityId })
  for (const other of [
    "",
    ":",
    "user::bookings",
    name.toUpperCase(),
    `${name}:`,
    ` ${name}`,
    `toString:${example.facilityId}:x`,
  ])
    expect(parseChannel(other)).toBeUndefined()
})

test("client frames are parsed, and their faults are named", () => {
  expect(readFrame('{"type":"subscribe","channel":"c","after":"12","more":1}')).toEqual({
    type: "subscribe",
    channel: "c",
    after: 12,
  })
  expect(readFrame({ type: "subscribe", channel: "c", after: null })).toEqual({ type: "subscribe", channel: "c" })
  for (const wrong of ["", "7", "null", "[]", "{", 7, null, undefined, new Uint8Array(3), {}, { type: "toString" }])
    expect(readFrame(wrong)).toHaveProperty("fault")
  for (const after of [12, "-1", "1.5", "1".repeat(16), "abc", {}])
    expect(readFrame({ type: "subscribe", channel: "c", after })).toHaveProperty("fault")
  expect(readFrame({ type: "auth", token: "x".repeat(601) })).toHaveProperty("fault")
})

test("a booking that ends before midnight changes the next day too where buffers reach over it", async () => {
  const data = {
    resourceId: example.resourceId,
    startAt: "2026-03-12T21:30:00.000Z",
    endAt: "2026-03-12T22:30:00.000Z",
  }
  const datesWith = async (longest_buffer: number) => {
    const row = { ...rowOf("booking.confirmed", data), longest_buffer }
    // Only a change of a whole facility is asked about in the database.
    return (await slotChangesOf(undefined as never, [row])).days.map(({ date }) => date)
  }
  expect(await datesWith(0)).toEqual(["2026-03-12"])
  expect(await datesWith(60)).toEqual(["2026-03-12", "2026-03-13"])
})
