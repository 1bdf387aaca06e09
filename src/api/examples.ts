/**
 * An example of each request, for the OpenAPI document. The ids are those of the demo club (src/demo/seed.ts), so that
 * an example works there when it is pasted. The id of another thing, such as a booking, stands for the id that an
 * earlier answer gave. Each example that books has an hour of its own.
 */
import { example } from "#events/example.ts"

/** In the place of the token in a mail. */
export const phoneCodeOfText = "042917"
export const accountLinkToken = "sbl_the-last-part-of-the-link-in-the-mail"
const { resourceId, playerId, friendId, coachId, facilityId } = example
const reason = { cancellationReason: "Rain since the morning." }
/** An hour of a Monday in 2030, UTC: far enough ahead for years. */
const hour = (start: number) => ({
  startAt: `2030-06-03T${String(start).padStart(2, "0")}:00:00Z`,
  endAt: `2030-06-03T${String(start + 1).padStart(2, "0")}:00:00Z`,
})

const invoiceSeller = {
  legalName: "Padel Mitte GmbH",
  street: "Invalidenstraße 44",
  postcode: "10115",
  city: "Berlin",
  country: "DE",
  vatId: "DE123456789",
  email: "office@example.com",
  iban: "DE02120300000000202051",
  bic: "BYLADEM1001",
  language: "de",
}

/** The bodies, of forms too, below `/v1/facilities/{facilityId}`, by method and the rest of the address. */
const inFacility: Readonly<Record<string, unknown>> = {
  "PATCH /settings": { slotMinutes: 30, holdMinutes: 10 },
  "POST /resources": { name: "Court 5", resourceType: "court", hourlyPrice: 2400 },
  "PATCH /resources/{id}": { hourlyPrice: 2600 },
  "POST /closures": { reason: "New surface", resourceIds: [resourceId], ...hour(6) },
  "POST /lost-items": { description: "A red racket", category: "equipment", foundLocation: "Court 1" },
  "POST /lost-items/{id}/claim": { claimedBy: playerId },
  "POST /api-keys": { name: "Till at the bar", role: "staff" },
  "POST /api-keys/{id}/transfer": { owner: "club" },
  "POST /walk-ins": { firstName: "Kim", lastName: "Guest" },
  "PATCH /members/{userId}": { memberNumber: "0042", phone: "+41 44 123 45 67" },
  "POST /members/import": {
    csv: "firstName;lastName;email;memberNumber\nAda;Müller;ada.mueller@example.com;0043",
    delimiter: ";",
    invite: true,
  },
  "POST /members/{userId}/invitation": {},
  "PUT /booking-policy": {
    leadTimeMinutes: 30,
    noShowFee: 1000,
    cancellationPolicy: [
      { hoursBefore: 24, refundPercent: 100 },
      { hoursBefore: 4, refundPercent: 50 },
    ],
    memberLimits: [
      { name: "Two a day", per: "day", atMost: 2 },
      {
        name: "Three evenings a week",
        per: "week",
        atMost: 3,
        roles: ["player", "parent"],
        primeTime: {
          weekdays: ["monday", "tuesday", "wednesday", "thursday", "friday"],
          fromTime: "17:00",
          toTime: "21:00",
        },
      },
    ],
  },
  "PUT /booking-questions": {
    questions: [
      { id: "racket", label: "Do you need a racket?", type: "yes_no", required: false },
      { id: "level", label: "How well do you play?", type: "choice", choices: ["new", "often"], required: false },
    ],
  },
  "POST /price-rules": {
    name: "Evenings of the week",
    weekdays: ["monday", "tuesday", "wednesday", "thursday", "friday"],
    fromTime: "18:00",
    toTime: "22:00",
    hourlyPrice: 3000,
  },
  "PUT /reminder-settings": { remind24h: true, remind1h: false, customMinutes: 180 },

  "POST /holds": { resourceId, bookerId: playerId, ...hour(7) },
  "POST /bookings": {
    resourceId,
    bookerId: playerId,
    participants: [{ userId: friendId }],
    paymentMethod: "offline",
    ...hour(8),
  },
  "PATCH /bookings/{bookingId}": { title: "Training of the juniors", note: "Please leave the balls on the court." },
  "POST /bookings/{bookingId}/approve": {},
  "POST /bookings/{bookingId}/reject": { rejectionReason: "The court is kept for the juniors." },
  "POST /bookings/{bookingId}/confirm": { paymentMethod: "offline" },
  "POST /bookings/{bookingId}/cancel": { ...reason, refundPercent: 100 },
  "POST /bookings/{bookingId}/reschedule": hour(9),
  "POST /bookings/{bookingId}/check-in": { method: "manual" },
  "POST /bookings/{bookingId}/complete": {},
  "POST /bookings/{bookingId}/no-show": {},
  "POST /bookings/{bookingId}/no-show/waive": { reason: "The train was late." },
  "POST /bookings/{bookingId}/no-show/undo": { reason: "She played on the other court." },
  "POST /bookings/{bookingId}/check-in/undo": { reason: "The wrong booking was checked in." },
  "POST /bookings/{bookingId}/complete/undo": { reason: "They are still playing." },
  "POST /recurring-bookings": {
    resourceId,
    bookerId: playerId,
    paymentMethod: "offline",
    startDate: "2030-06-04",
    startTime: "18:00",
    durationMinutes: 60,
    rule: "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=10",
  },
  "PATCH /recurring-bookings/{recurringBookingId}": { scope: "all", startTime: "19:00" },
  "POST /recurring-bookings/{recurringBookingId}/cancel": { scope: "all", ...reason },
  "POST /waitlist": { resourceId, bookerId: playerId, ...hour(8) },
  "POST /waitlist/{entryId}/accept": { paymentMethod: "online" },
  "POST /waitlist/{entryId}/decline": {},

  "PUT /coaches/{userId}": { sports: ["tennis"], bio: "Teaches beginners and juniors.", hourlyRate: 4000 },
  "POST /coach-blocks": { resourceId, coachId, blockType: "training", reason: "Juniors", ...hour(10) },
  "POST /coach-blocks/{blockId}/approve": {},
  "POST /coach-blocks/{blockId}/reject": { rejectionReason: "The court is closed that day." },
  "POST /coach-blocks/{blockId}/cancel": reason,
  "POST /coach-sessions": {
    resourceId,
    coachId,
    sessionType: "private",
    students: [playerId],
    paymentMethod: "offline",
    ...hour(11),
  },
  "PATCH /coach-sessions/{sessionId}": { attendance: [{ userId: playerId, attended: true }] },
  "POST /coach-sessions/{sessionId}/complete": { attendedStudents: [playerId] },
  "POST /coach-sessions/{sessionId}/complete/undo": { reason: "It was another lesson." },
  "POST /coach-sessions/{sessionId}/cancel": reason,
  "POST /feedback": {
    sessionId: example.sessionId,
    studentId: playerId,
    text: "Turn the shoulder earlier.",
    skillsWorked: ["Backhand"],
    rating: 4,
    assessments: [{ skillId: "tennis.backhand", level: 3.5 }],
  },
  "PATCH /feedback/{feedbackId}": { text: "Turn the shoulder earlier, and step in.", rating: null },
  "POST /feedback/{feedbackId}/publish": {},
  "POST /players/{playerId}/progress": { skillId: "tennis.serve", newLevel: 4.25 },

  "POST /payments": { referenceType: "booking", referenceId: example.bookingId, cardToken: "tok_visa" },
  "POST /payments/{paymentId}/refunds": { amount: 1200, reason: "The light went out for half an hour." },
  "POST /offline-payments": { payerName: "Walk-in", amount: 2400, paymentMethod: "cash" },
  "POST /refunds/{refundId}/hand-back": {},
  "POST /billing-accounts": { type: "family", name: "Family Keller", ownerId: playerId, memberIds: [friendId] },
  "PUT /invoice-settings": invoiceSeller,
  "PUT /billing-accounts/{billingAccountId}/invoice-address": {
    name: "Keller Design GmbH",
    street: "Seestrasse 7",
    postcode: "8002",
    city: "Zürich",
    country: "CH",
    reference: "Cost centre 4711",
  },
  "POST /billing-accounts/{billingAccountId}/card": { cardToken: "tok_visa" },

  "POST /subscription": { planId: "club", billingCycle: "monthly" },
  "POST /subscription/change-plan": { planId: "starter", preview: true },
  "POST /subscription/cancel": { cancelReason: "The season is over.", atPeriodEnd: true },
  "POST /subscription/resume": {},
  "POST /subscription/upgrade-prompts/{promptId}/dismiss": {},

  "PUT /message-templates/{templateId}": {
    language: "en",
    subject: "See you on {{ data.startAt | short_time: data.timezone }}, {{ data.resourceName }}",
    note: "The changing rooms open half an hour before.",
  },
  "POST /message-templates/{templateId}/preview": {
    language: "en",
    lead: '{% if recipient.as == "booker" %}You have {{ data.resourceName }}.{% else %}You play.{% endif %}',
    sample: "booking.confirmed participant 1",
  },

  "POST /webhooks": {
    name: "Board in the hall",
    url: "https://example.com/slotbase",
    authType: "signature",
    events: ["booking.confirmed", "booking.cancelled"],
  },
  "PATCH /webhooks/{id}": { isActive: false },
  "POST /webhooks/{id}/rotate-secret": { overlapHours: 24 },
  "POST /webhooks/preview": {
    events: ["booking.*"],
    filters: {
      bookingTypes: ["lesson"],
      conditions: [{ path: "data.priceAmount", operator: "greater", value: 2000 }],
    },
  },
  "POST /webhooks/{id}/replays": { since: "2026-03-01T00:00:00Z", types: ["booking.confirmed"], preview: true },
  "POST /webhooks/{id}/continuity": { have: "1-100,102" },
  "POST /dead-letters/reprocess": { cause: "http_500", ratePerSecond: 20 },
  "POST /webhooks/body-preview": {
    format: "template",
    template: '{"court":"{{ data.resourceName }}","day":"{{ data.startAt | date: "%Y-%m-%d" }}"}',
    type: "booking.confirmed",
  },
  "POST /webhooks/{id}/test": { type: "booking.confirmed" },
  "POST /hooks/subscriptions": { hookUrl: "https://hooks.example.com/catch/1/2", event: "booking.confirmed" },
  "POST /jobs/{name}/run": {},
}

const onPlatform: Readonly<Record<string, unknown>> = {
  "POST /v1/users": {
    email: "ida@example.com",
    password: "correct horse battery staple",
    firstName: "Ida",
    lastName: "Bell",
    facilityId,
  },
  "POST /v1/sessions": { email: "mia@riverside.example", password: "demo-password" },
  "PATCH /v1/me": { lastName: "Brandt", language: "de", timezone: "Europe/Vienna" },
  "PATCH /v1/users/{id}": { lastName: "Brandt" },
  "POST /v1/me/password": { currentPassword: "demo-password", newPassword: "violet harbour ladder" },
  "POST /v1/me/email-change": { email: "mia.brandt@example.com", password: "demo-password" },
  "POST /v1/password-resets": { email: "mia@riverside.example" },
  "POST /v1/account-links/use": { token: accountLinkToken, password: "violet harbour ladder" },
  "PUT /v1/me/phone": { number: "0151 12345678", country: "DE" },
  "POST /v1/me/phone/verification": { code: phoneCodeOfText },
  "PUT /v1/me/message-preferences": {
    switches: [
      { type: "booking.reminder.due", channel: "sms", enabled: true },
      { type: "payment.succeeded", channel: "push", enabled: false },
    ],
    quietHours: { start: "22:00", end: "07:00" },
  },
  "POST /v1/me/notifications/read": { upTo: example.notificationId },
  "POST /v1/me/push-subscriptions": {
    endpoint: "https://push.example.com/send/3f1a",
    expirationTime: null,
    keys: {
      p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
      auth: "BTBZMqHH6r4Tts7J_aSIgg",
    },
  },
  "POST /v1/users/{id}/roles": { role: "coach", scopeType: "facility", scopeId: facilityId },
  "POST /v1/users/{id}/children": { firstName: "Ben", lastName: "Keller", relationship: "mother", facilityId },
  "POST /v1/child-links/{id}/accept": {},
  "POST /v1/child-links/{id}/decline": {},
  "POST /v1/role-invitations/{id}/accept": {},
  "POST /v1/role-invitations/{id}/decline": {},
  "POST /v1/organizations": { name: "City Sports" },
  "POST /v1/facilities": { name: "Lakeside", timezone: "Europe/Berlin", currency: "EUR", sportTypes: ["padel"] },
  "PUT /v1/invoice-settings": { ...invoiceSeller, legalName: "SlotBase Ltd", numberPrefix: "SB" },
  "POST /v1/coupons": { code: "SUMMER-10", percentOff: 10, periods: 3 },
  "POST /v1/jobs/{name}/run": {},
  "POST /v1/dead-letters/reprocess": { handler: "NotificationHandler", preview: true },
}

/** By operation, such as "POST /v1/facilities/{facilityId}/bookings". */
export const exampleBodies: Readonly<Record<string, unknown>> = {
  ...onPlatform,
  ...Object.fromEntries(
    Object.entries(inFacility).map(([operation, body]) => [
      operation.replace(" ", " /v1/facilities/{facilityId}"),
      body,
    ]),
  ),
}

/** The values of parameters that a request needs, by name; those of `{id}` by the part of the address before it. */
export const exampleParameters: Readonly<Record<string, string>> = {
  facilityId,
  resourceId,
  playerId,
  bookingId: example.bookingId,
  recurringBookingId: example.recurringBookingId,
  entryId: example.waitlistEntryId,
  billingAccountId: example.billingAccountId,
  invoiceId: example.invoiceId,
  paymentId: example.transactionId,
  refundId: example.refundId,
  offlinePaymentId: example.offlinePaymentId,
  blockId: example.blockId,
  sessionId: example.sessionId,
  feedbackId: example.feedbackId,
  mediaId: example.mediaId,
  eventId: example.eventId,
  userId: coachId,
  childId: friendId,
  users: playerId,
  sessions: example.userSessionId,
  notifications: example.notificationId,
  "push-subscriptions": example.pushSubscriptionId,
  resources: resourceId,
  "lost-items": example.itemId,
  closures: example.closureId,
  organizations: example.organizationId,
  "child-links": example.childLinkId,
  "role-invitations": example.roleInvitationId,
  "api-keys": example.apiKeyId,
  ruleId: example.priceRuleId,
  promptId: example.upgradePromptId,
  webhooks: example.webhookId,
  deliveries: example.deliveryId,
  subscriptions: example.webhookId,
  samples: "booking.confirmed",
  "dead-letters": example.deadLetterId,
  replays: example.replayId,
  have: "1-100,102",
  runs: example.jobRunId,
  "event-types": "booking.confirmed",
  jobs: "hold-expiration",
  templateId: "booking-confirmation",
  // Both are of a link that `GET …/media/{mediaId}` answers.
  expires: "1906704000",
  signature: "the-signature-of-the-link",
  date: "2030-06-03",
  month: "2030-06",
  from: "2030-06-01",
  until: "2030-06-30",
  role: "player",
  scopeType: "facility",
  scopeId: facilityId,
}
