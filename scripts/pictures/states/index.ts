// All states of the booking page, in the order in which a person would meet them.

import type { State } from "#scripts/pictures/state.ts"
import { accountStates } from "./account.ts"
import { bookingStates } from "./booking.ts"
import { dayStates } from "./day.ts"
import { noticeStates } from "./notices.ts"
import { ownStates } from "./own.ts"
import { payingStates } from "./paying.ts"

export const states: readonly State[] = [
  ...dayStates,
  ...bookingStates,
  ...payingStates,
  ...ownStates,
  ...accountStates,
  ...noticeStates,
]
