/** The week before, second part: what was agreed about a price stays, nobody is in two places, and limits are kept. */
import type { Booked, Saturday } from "#demo/bookings.ts"
import type { Club } from "#demo/club.ts"
import type { Stage } from "#demo/stage.ts"

export async function keepAgreements(stage: Stage, club: Club, { span }: Saturday, booked: Booked): Promise<void> {
  const { ask, bites, call, say, until } = stage
  const { at, owner, desk, coach, anna, ben, child, courts } = club
  const [one, two, three, four] = courts

  say("\nAnna pays a lesson, and moves it; the desk wants its coach a second time")
  await call(coach, "PUT", `${at}/coaches/${coach.id}`, { sports: ["tennis"], hourlyRate: 3000 })
  const lesson = await call(desk, "POST", `${at}/coach-sessions`, {
    ...span("16:00", "17:00"),
    resourceId: four,
    coachId: coach.id,
    sessionType: "private",
    students: [anna.id],
    bookerId: anna.id,
    paymentMethod: "online",
  })
  const booking = `${at}/bookings/${lesson.bookingId}`
  await call(anna, "POST", `${at}/payments`, {
    referenceType: "booking",
    referenceId: lesson.bookingId,
    cardToken: "tok_visa",
  })
  await until(
    "the paid lesson",
    () => call(anna, "GET", booking),
    ({ status }) => status === "confirmed",
  )
  await call(coach, "PUT", `${at}/coaches/${coach.id}`, { sports: ["tennis"], hourlyRate: 9000 })
  const moved = await ask(anna, "POST", `${booking}/reschedule`, span("17:00", "18:00"))
  const { settlement } = await call(anna, "GET", booking)
  bites({
    rule: "agreed price",
    asked: "Anna moves her lesson, paid with 5400, by an hour; its coach costs three times as much by now",
    answer: moved,
    found: [moved.body.priceAmount, settlement.refundedAmount, settlement.dueAmount],
    right: [5400, 0, 0],
    why: "5400 stays: the same length, the same coach, the rate that was agreed",
  })
  bites({
    rule: "tax of a price line",
    asked: "Anna reads what the 5400 consist of",
    answer: moved,
    found: moved.body.priceLines.map((line: PriceLine) => [line.kind, line.amount, line.taxRate, line.taxAmount]),
    right: [
      ["court", 2400, 1900, 383],
      ["coach", 3000, 700, 196],
    ],
    why: "the court's 2400 contain 19 %, which are 383, and the coach's 3000 contain 7 %, which are 196",
  })
  const second = await ask(desk, "POST", `${at}/coach-sessions`, {
    ...span("17:00", "18:00"),
    resourceId: one,
    coachId: coach.id,
    sessionType: "private",
    students: [child.id],
    paymentMethod: "offline",
  })
  bites({
    rule: "coach in one place",
    asked: "the desk sells a lesson of the same coach at the same hour on another court",
    answer: second,
    found: [second.status, second.code],
    right: [409, "coach_taken"],
    why: "he teaches Anna then",
  })

  say("\nWhat members may book: five minutes across two slots are no game, and one person plays on one court")
  const wish = { resourceId: three, paymentMethod: "online" }
  const refusals = [
    ["least length", 3, "16:57", "17:02", [422, "too_short"], "members book an hour at least"],
    ["start grid", 3, "16:45", "17:45", [422, "off_grid"], "members begin every half an hour"],
    ["buffer", 3, "15:00", "16:00", [409, "slot_taken"], "the lesson before it has ten minutes more"],
    [
      "limit per person",
      4,
      "10:00",
      "11:00",
      [422, "member_limit_reached"],
      "he has a court then, and the limit is one at a time",
    ],
  ] as const
  for (const [rule, court, from, to, right, why] of refusals) {
    const body = { ...wish, ...span(from, to), resourceId: courts[court - 1] }
    const answer = await ask(ben, "POST", `${at}/bookings`, body)
    const asked = `Ben books Court ${court} from ${from} to ${to}`
    bites({ rule, asked, answer, found: [answer.status, answer.code], right, why })
  }

  const named = await ask(anna, "PATCH", `${at}/bookings/${booked.played}`, {
    title: "Anna and Clara",
    note: "We bring our own balls.",
  })
  bites({
    rule: "title and note",
    asked: "Anna gives her booking a title and a note",
    answer: named,
    found: [named.body.title, named.body.note, named.body.startAt],
    right: ["Anna and Clara", "We bring our own balls.", span("10:00", "11:00").startAt],
    why: "only they change; the booking keeps its time",
  })
  await call(owner, "PUT", `${at}/booking-questions`, {
    questions: [{ id: "racket", label: "Do you need a racket?", type: "yes_no", required: true }],
  })
  const silent = await ask(ben, "POST", `${at}/bookings`, { ...wish, resourceId: two, ...span("12:00", "13:00") })
  bites({
    rule: "question of the club",
    asked: "Ben books and leaves the club's question out",
    answer: silent,
    found: [silent.status, silent.code],
    right: [422, "question_unanswered"],
    why: "members answer a required question",
  })
  await call(owner, "PUT", `${at}/booking-questions`, { questions: [] })

  say("\nNumbers keep their meaning, and a card takes no 40 cents")
  const yen = await ask(owner, "PATCH", `${at}/settings`, { currency: "JPY" })
  bites({
    rule: "currency in use",
    asked: "the owner makes the club one in yen",
    answer: yen,
    found: [yen.status, yen.code],
    right: [409, "currency_in_use"],
    why: "prices and bookings stand in euros",
  })
  const wall = await call(owner, "POST", `${at}/resources`, {
    name: "Practice wall",
    resourceType: "wall",
    hourlyPrice: 40,
  })
  const cheap = await ask(ben, "POST", `${at}/bookings`, { ...wish, resourceId: wall.id, ...span("13:00", "14:00") })
  bites({
    rule: "least amount of a card",
    asked: "Ben books the practice wall for 40 cents online",
    answer: cheap,
    found: [cheap.status, cheap.code],
    right: [422, "amount_not_chargeable"],
    why: "a card takes 50 cents at least, so he pays at the desk",
  })
}

interface PriceLine {
  readonly kind: string
  readonly amount: number
  readonly taxRate: number
  readonly taxAmount: number
}
