/** What the person has: bookings, offers and wishes. */
import { useState } from "react"
import { Button } from "react-aria-components"
import type { ListedBooking } from "./answers.ts"
import { CancelSheet } from "./cancel.tsx"
import { useClub } from "./club.ts"
import { CodeSheet } from "./code.tsx"
import type { ShownDay } from "./day.ts"
import { dateOf, dayOf, hoursOf, moneyOf } from "./times.ts"
import { WishCard } from "./wish.tsx"

export function Mine({ day }: { readonly day: ShownDay | undefined }) {
  const { words, own, wishes, me, now } = useClub()
  const [cancelling, setCancelling] = useState<ListedBooking>()
  const [showing, setShowing] = useState<ListedBooking>()
  const names = new Map(day?.resources.map(({ resourceId, name }) => [resourceId, name]))
  const ahead = own.filter(({ endAt }) => Date.parse(endAt) > now())
  return (
    <>
      <h1 tabIndex={-1}>{words.myBookings}</h1>
      {ahead.length === 0 && <p className="card note">{words.noBookings}</p>}
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
      <h2>{words.waitlist}</h2>
      {wishes.length === 0 && <p className="card note">{words.noWishes}</p>}
      <ul className="list">
        {wishes.map((wish) => (
          <WishCard
            key={wish.id}
            wish={wish}
            court={names.get(wish.offer?.resourceId ?? wish.resourceId ?? "") ?? wish.resourceType ?? ""}
          />
        ))}
      </ul>
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
  const { words, writing, language, payFor, now } = useClub()
  const { status, resourceName, startAt, endAt, priceAmount, priceCurrency, struckReason } = booking
  const hasBegun = Date.parse(startAt) <= now()
  return (
    <li className="card booking">
      <div className="facts">
        <h3>{resourceName}</h3>
        <p>
          {dayOf(language, dateOf(writing, startAt))}, <strong>{hoursOf(writing, startAt, endAt)}</strong>
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
        {status === "confirmed" && (
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
