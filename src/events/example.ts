/**
 * One story that all samples tell: Mia books Court 1 of the Riverside club and trains there with her coach Jonas; her
 * mother Clara pays.
 * The samples share their ids, so that samples of several types fit together.
 */
export const example = {
  facilityId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e01",
  organizationId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e02",
  resourceId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e03",
  ownerId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e04",
  staffId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e05",
  coachId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e06",
  playerId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e07",
  parentId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e08",
  friendId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e09",
  bookingId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e10",
  holdId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e11",
  recurringBookingId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e12",
  billingAccountId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e13",
  transactionId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e14",
  refundId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e15",
  offlinePaymentId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e16",
  subscriptionId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e17",
  blockId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e18",
  sessionId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e19",
  feedbackId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e20",
  mediaId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e21",
  itemId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e22",
  eventId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e23",
  correlationId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e24",
  causationId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e25",
  closureId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e26",
  waitlistEntryId: "01994a3e-7c00-7a10-8f3e-1c5d0a9b2e27",
  bookedAt: "2026-03-09T16:20:30.125Z",
  startAt: "2026-03-12T17:00:00.000Z",
  endAt: "2026-03-12T18:00:00.000Z",
} as const
