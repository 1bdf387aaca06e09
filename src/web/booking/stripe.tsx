/**
 * Stripe's card field. The number of the card goes from Stripe's own frame to Stripe, and the page gets a token. The
 * script is Stripe's and is loaded only where Stripe takes the payments.
 */
import { type RefObject, useEffect, useRef, useState } from "react"
import { useClub } from "./club.ts"
import { FaultNote } from "./sheet.tsx"

/** Undefined: the card was refused, and the field says why. */
export type TokenOfCard = () => Promise<string | undefined>

export interface StripeCardProps {
  readonly publishableKey: string
  readonly tokenOf: RefObject<TokenOfCard | undefined>
}

export function StripeCard({ publishableKey, tokenOf }: StripeCardProps) {
  const { words, language } = useClub()
  const place = useRef<HTMLDivElement>(null)
  const [fault, setFault] = useState<string>()
  useEffect(() => {
    let unmount = () => {}
    let isGone = false
    loadStripe()
      .then((Stripe) => {
        if (isGone || place.current === null) return
        const stripe = Stripe(publishableKey, { locale: language })
        const card = stripe.elements().create("card", { hidePostalCode: true, style: { base: styleOfPage() } })
        card.mount(place.current)
        unmount = () => card.destroy()
        tokenOf.current = async () => {
          const { token, error } = await stripe.createToken(card)
          setFault(error?.message)
          return token?.id
        }
      })
      .catch(() => setFault(words.noNetwork))
    return () => {
      isGone = true
      unmount()
    }
  }, [publishableKey, language, words, tokenOf])
  return (
    <div className="field">
      <span>{words.card}</span>
      <div className="stripecard" ref={place} />
      <FaultNote says={fault} />
    </div>
  )
}

const styleOfPage = () => {
  const { color, fontFamily } = getComputedStyle(document.body)
  return { color, fontFamily, fontSize: "16px" }
}

interface StripeElement {
  mount(at: HTMLElement): void
  destroy(): void
}
interface StripeClient {
  elements(): { create(type: "card", options: object): StripeElement }
  createToken(
    card: StripeElement,
  ): Promise<{ readonly token?: { readonly id: string }; readonly error?: { readonly message?: string } }>
}
type StripeMaker = (key: string, options: { readonly locale: string }) => StripeClient

let loading: Promise<StripeMaker> | undefined

function loadStripe(): Promise<StripeMaker> {
  loading ??= new Promise<StripeMaker>((resolve, reject) => {
    const script = document.createElement("script")
    script.src = "https://js.stripe.com/v3/"
    script.onload = () => resolve((window as unknown as { Stripe: StripeMaker }).Stripe)
    script.onerror = () => {
      loading = undefined
      reject(new Error("Stripe's script did not load"))
    }
    document.head.append(script)
  })
  return loading
}
