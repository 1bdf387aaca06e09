/** What the page reads of the API's answers. docs/openapi.json has all fields. */

export interface Me {
  readonly id: string
  readonly name: string
  readonly firstName: string | null
  readonly email: string | null
  readonly language: "en" | "de" | null
  readonly roles: readonly { readonly role: string; readonly scopeType: string; readonly scopeId: string }[]
}

export interface ListedBooking {
  readonly id: string
  readonly resourceId: string
  readonly resourceName: string
  readonly status: string
  readonly bookerId: string
  readonly startAt: string
  readonly endAt: string
  readonly priceAmount: number
  readonly priceCurrency: string
  readonly expiresAt: string | null
  readonly extensionsLeft: number | null
  readonly struckReason: string | null
  readonly cancellationPolicy: readonly { readonly hoursBefore: number; readonly refundPercent: number }[]
  readonly updatedAt: string
}

export interface OwnPayment {
  readonly status: "processing" | "succeeded" | "failed"
  readonly failureCode: string | null
  readonly failureReason: string | null
}

export interface Quote {
  readonly paidAmount: number
  readonly currency: string
  readonly refundPercent: number
  readonly refundAmount: number
  readonly lines: readonly { readonly rule: string; readonly refundPercent: number; readonly applies: boolean }[]
}

export interface OwnWish {
  readonly id: string
  readonly resourceId: string | null
  readonly resourceType: string | null
  readonly startAt: string
  readonly endAt: string
  readonly status: string
  readonly offer: {
    readonly bookingId: string
    readonly resourceId: string
    readonly status: string
    readonly priceAmount: number
    readonly priceCurrency: string
    readonly expiresAt: string | null
  } | null
}

export interface OwnMessage {
  readonly id: string
  readonly title: string
  readonly body: string
  readonly createdAt: string
  readonly readAt: string | null
}

export interface AskedQuestion {
  readonly id: string
  readonly label: string
  readonly type: "text" | "choice" | "yes_no" | "number"
  readonly required: boolean
  readonly choices?: readonly string[]
  readonly bookingTypes?: readonly string[]
}

export interface MessageSwitch {
  readonly type: string
  readonly channel: "email" | "sms" | "push" | "in_app"
  readonly enabled: boolean
}

export interface Preferences {
  readonly switches: readonly MessageSwitch[]
  readonly quietHours: object | null
  readonly types: readonly {
    readonly type: string
    readonly required: boolean
    readonly channels: Readonly<Record<string, boolean>>
  }[]
}

export interface ListPage<T> {
  readonly data: readonly T[]
  readonly next: string | null
}
