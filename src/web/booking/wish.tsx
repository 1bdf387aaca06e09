/** A wish on the waitlist, and the offer that it may have. */
import { Button } from "react-aria-components"
import type { ListedBooking, OwnWish } from "./answers.ts"
import { useClub } from "./club.ts"
import { useSecondsLeft } from "./hold.tsx"
import { FaultNote } from "./sheet.tsx"
import { clockOf, dateOf, dayOf, hoursOf, moneyOf } from "./times.ts"
import { useWork } from "./use-work.ts"

export const isOffered = ({ status, offer }: OwnWish): boolean => status === "offered" && offer !== null

export interface WishCardProps {
  readonly wish: OwnWish
  readonly court: string
}

export function WishCard({ wish, court }: WishCardProps) {
  const { words, writing, api, payFor, refreshOwn, say } = useClub()
  const work = useWork()
  const { id, startAt, endAt, offer } = wish
  const accept = () =>
    work.run(async () => {
      await api.send("POST", `…/waitlist/${id}/accept`, { paymentMethod: "online" })
      const booking = await api.get<ListedBooking>(`…/bookings/${offer?.bookingId}`)
      await refreshOwn()
      if (booking.status === "held") payFor(booking)
    })
  const end = (method: string, path: string, said: string) =>
    work.run(async () => {
      await api.send(method, path)
      say(said)
      await refreshOwn()
    })
  return (
    <li className={isOffered(wish) ? "card booking offer" : "card booking"}>
      <div className="facts">
        {isOffered(wish) ? <h2>{court}</h2> : <h3>{court}</h3>}
        <p>
          {dayOf(writing, dateOf(writing, startAt))}, <strong>{hoursOf(writing, startAt, endAt)}</strong>
        </p>
        {offer !== null && isOffered(wish) ? (
          <p className="help">
            {words.offered}{" "}
            <OfferClock expiresAt={offer.expiresAt} onRanOut={() => void refreshOwn().catch(() => {})} /> ·{" "}
            {moneyOf(writing, offer.priceAmount, offer.priceCurrency)}
          </p>
        ) : (
          <p className="help">
            <span className="badge">{words.waiting}</span>
          </p>
        )}
        <FaultNote says={work.fault} />
      </div>
      <div className="row">
        {isOffered(wish) ? (
          <>
            <Button className="go small" data-busy={work.isBusy || undefined} onPress={accept}>
              {words.accept}
            </Button>
            <Button className="quiet" onPress={() => end("POST", `…/waitlist/${id}/decline`, words.left)}>
              {words.decline}
            </Button>
          </>
        ) : (
          <Button
            className="quiet"
            data-busy={work.isBusy || undefined}
            onPress={() => end("DELETE", `…/waitlist/${id}`, words.left)}
          >
            {words.leave}
          </Button>
        )}
      </div>
    </li>
  )
}

function OfferClock({ expiresAt, onRanOut }: { readonly expiresAt: string | null; readonly onRanOut: () => void }) {
  const { words } = useClub()
  const left = useSecondsLeft({ expiresAt }, onRanOut)
  return <strong className="digits">{words.timeLeft(clockOf(left))}</strong>
}
