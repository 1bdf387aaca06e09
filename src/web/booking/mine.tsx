/** What the person has: bookings, offers and wishes. */
import { useState } from "react"
import { Button } from "react-aria-components"
import type { ListedBooking, OwnWish } from "./answers.ts"
import { CancelSheet } from "./cancel.tsx"
import { useClub } from "./club.ts"
import { CodeSheet } from "./code.tsx"
import type { ShownDay } from "./day.ts"
import { dateOf, dayOf, hoursOf, moneyOf } from "./times.ts"
import { isOffered, WishCard } from "./wish.tsx"

export interface MineProps {
  readonly day: ShownDay | undefined
  readonly onDay: () => void
}

export function Mine({ day, onDay }: MineProps) {
  const { words, own, wishes: all, me, now } = useClub()
  // An offer has some minutes, so it stands before all that can wait.
  const [offers, wishes] = [all.filter(isOffered), all.filter((wish) => !isOffered(wish))]
  const cards = (some: readonly OwnWish[]) => (
    <ul className="list">
      {some.map((wish) => (
        <WishCard
          key={wish.id}
          wish={wish}
          court={names.get(wish.offer?.resourceId ?? wish.resourceId ?? "") ?? words.someCourt}
        />
      ))}
    </ul>
  )
  const [cancelling, setCancelling] = useState<ListedBooking>()
  const [showing, setShowing] = useState<ListedBooking>()
  const names = new Map(day?.resources.map(({ resourceId, name }) => [resourceId, name]))
  const ahead = own.filter(({ endAt }) => Date.parse(endAt) > now())
  return (
    <>
      <h1 tabIndex={-1}>{words.myBookings}</h1>
      {offers.length > 0 && cards(offers)}
      {ahead.length === 0 && (
        <div className="card note">
          <p>{words.noBookings}</p>
          <Button className="quiet" onPress={onDay}>
            {words.toDay}
          </Button>
        </div>
      )}
      <ul className="list">
        {ahead.map((booking) => (
          <BookingCard
            key={booking.id}
            booking={booking}
            isOwn={booking.bookerId === me?.id}
            onCancel={() => setCancelling(booking)}
            onCode={() => setShowing(booking)}
          />
        ))}
      </ul>
      {(wishes.length > 0 || offers.length === 0) && <h2>{words.waitlist}</h2>}
      {all.length === 0 && <p className="card note">{words.noWishes}</p>}
      {cards(wishes)}
      {cancelling && <CancelSheet booking={cancelling} onClose={() => setCancelling(undefined)} />}
      {showing && <CodeSheet booking={showing} onClose={() => setShowing(undefined)} />}
    </>
  )
}

interface BookingCardProps {
  readonly booking: ListedBooking
  readonly isOwn: boolean
  readonly onCancel: () => void
  readonly onCode: () => void
}

function BookingCard({ booking, isOwn, onCancel, onCode }: BookingCardProps) {
  const { words, writing, payFor, now } = useClub()
  const { status, resourceName, startAt, endAt, priceAmount, priceCurrency, struckReason } = booking
  const hasBegun = Date.parse(startAt) <= now()
  return (
    <li className="card booking">
      <div className="facts">
        <h2>{resourceName}</h2>
        <p>
          {dayOf(writing, dateOf(writing, startAt))}, <strong>{hoursOf(writing, startAt, endAt)}</strong>
        </p>
        <p className="help">
          <span className={`badge ${status}`}>{words.statuses[status]}</span>{" "}
          {priceAmount === 0 ? words.free0 : moneyOf(writing, priceAmount, priceCurrency)}
        </p>
        {struckReason !== null && <p className="fault">{words.struck(struckReason)}</p>}
      </div>
      <div className="row">
        {status === "held" && isOwn && (
          <Button className="go small" onPress={() => payFor(booking)}>
            {words.payNow}
          </Button>
        )}
        {status === "confirmed" && struckReason === null && (
          <Button className="go small" onPress={onCode}>
            {words.code}
          </Button>
        )}
        {(status === "confirmed" || status === "pending") && (!hasBegun || struckReason !== null) && (
          <Button className="quiet" onPress={onCancel}>
            {words.cancel}
          </Button>
        )}
      </div>
    </li>
  )
}
