// What a change gives back and what it forfeits: the amounts of each unit, in the smallest that can be moved.

import { expect, test } from "bun:test"
import { type Change, type MoneyBefore, settlementFor } from "#domain/booking/settlement.ts"

const paid: MoneyBefore = { live: 4800, goodwill: 0, price: 4800 }
const cancelled: Change = { keeps: 0, ends: true, percent: 50, unit: 1 }

test.each<[string, Partial<MoneyBefore & Change>, refund: number, forfeited: number]>([
  ["a cancellation gives back the share, and forfeits the rest", {}, 2400, 2400],
  ["a move settles only what it sheds", { keeps: 2400, ends: false }, 1200, 1200],
  ["a move rounds down", { keeps: 4797, ends: false }, 1, 2],
  ["a cancellation rounds half up", { live: 3, price: 3 }, 2, 1],
  ["a dearer time gives nothing back", { keeps: 6000, ends: false }, 0, 0],
  ["money beyond the price is given back whole", { live: 6000 }, 1200 + 2400, 2400],
  ["a part that was paid is a part of the share", { live: 1000 }, 500, 500],
  ["goodwill counts as given back", { live: 3800, goodwill: 1000 }, 1400, 2400],
  [
    "goodwill beyond the share leaves nothing to give, and forfeits what is there",
    { live: 800, goodwill: 4000 },
    0,
    800,
  ],
  ["goodwill that was paid again counts no more", { goodwill: 4800 }, 2400, 2400],
  ["all is given back at 100 percent", { live: 3800, goodwill: 1000, percent: 100 }, 3800, 0],
  ["shares are multiples of what can be moved", { live: 1040, price: 1040, percent: 33, unit: 10 }, 340, 700],
  ["also of a move", { live: 1040, price: 1040, keeps: 20, ends: false, percent: 33, unit: 10 }, 330, 690],
])("%s", (_, more, refund, forfeited) => {
  expect(settlementFor({ ...paid, ...cancelled, ...more })).toEqual({ refund, forfeited })
})
