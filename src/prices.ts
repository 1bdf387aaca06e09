/** What a booking costs. Money is integer minor units of the facility's currency. */

const minutesPerHour = 60

/** The price of some minutes at a price per hour (minor units), rounded half up to a whole minor unit. */
export const priceOf = (hourlyPrice: number, minutes: number): number =>
  Math.floor((2 * hourlyPrice * minutes + minutesPerHour) / (2 * minutesPerHour))
