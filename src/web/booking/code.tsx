/** The check-in code as a QR code, and as letters to type. The maker of the code loads when a code is shown. */
import { useEffect, useState } from "react"
import type { ListedBooking } from "./answers.ts"
import { faultWords, useClub } from "./club.ts"
import { FaultNote, Sheet } from "./sheet.tsx"
import { dateOf, dayOf, hoursOf } from "./times.ts"
import { useWork } from "./use-work.ts"

interface Code {
  readonly accessCode: string
  readonly size: number
  /** The dark squares as the path of an SVG. */
  readonly path: string
}

export function CodeSheet({ booking, onClose }: { readonly booking: ListedBooking; readonly onClose: () => void }) {
  const club = useClub()
  const { words, writing, api } = club
  const [code, setCode] = useState<Code>()
  const { fault, setFault } = useWork()
  useEffect(() => {
    const read = async () => {
      const [{ qrPayload, accessCode }, { encode }] = await Promise.all([
        api.get<{ qrPayload: string; accessCode: string }>(`…/bookings/${booking.id}/check-in-code`),
        import("uqr"),
      ])
      const { data, size } = encode(qrPayload, { ecc: "M", border: 2 })
      setCode({ accessCode, size, path: pathOf(data) })
    }
    read().catch((error) => setFault(faultWords(club, error)))
  }, [api, booking.id])
  return (
    <Sheet title={words.code} onClose={onClose}>
      <div className="form ending">
        <p className="when">
          {booking.resourceName}, {dayOf(writing, dateOf(writing, booking.startAt))},{" "}
          {hoursOf(writing, booking.startAt, booking.endAt)}
        </p>
        <p>{words.codeText}</p>
        {code && (
          <>
            <svg className="qr" viewBox={`0 0 ${code.size} ${code.size}`} role="img" aria-label={words.code}>
              <rect width={code.size} height={code.size} fill="#fff" />
              <path d={code.path} fill="#000" shapeRendering="crispEdges" />
            </svg>
            <p className="letters">{code.accessCode}</p>
          </>
        )}
        <FaultNote says={fault} />
      </div>
    </Sheet>
  )
}

const pathOf = (rows: readonly (readonly boolean[])[]): string =>
  rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join("")
