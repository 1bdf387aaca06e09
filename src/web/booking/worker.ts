/**
 * The service worker of the booking page: shows push messages, and opens the page at a touch. It keeps nothing and
 * answers no request, so a page is never older than the server.
 */
interface Pushed {
  readonly title?: string
  readonly body?: string
  readonly tag?: string
  readonly data?: { readonly facilityId?: unknown }
}

const worker = self as unknown as WorkerScope

worker.addEventListener("push", (event) => {
  const { title = "SlotBase", body = "", tag, data } = contentOf(event)
  const options = { body, data, ...(tag !== undefined && { tag }) }
  event.waitUntil(worker.registration.showNotification(title, options))
})

worker.addEventListener("notificationclick", (event) => {
  event.notification?.close()
  event.waitUntil(open(event.notification?.data?.facilityId))
})

/** A page that is open already is looked at; otherwise a new one opens. */
async function open(facilityId: unknown): Promise<void> {
  const path = typeof facilityId === "string" && /^[0-9a-f-]{36}$/i.test(facilityId) ? `/f/${facilityId}` : undefined
  const pages = await worker.clients.matchAll({ type: "window" })
  const page = pages.find(({ url }) => path === undefined || new URL(url).pathname.toLowerCase() === path.toLowerCase())
  if (page) await page.focus()
  else if (path !== undefined) await worker.clients.openWindow(`${path}#messages`)
}

function contentOf({ data }: PushOrClick): Pushed {
  try {
    return (data?.json() ?? {}) as Pushed
  } catch {
    return {}
  }
}

interface PushOrClick {
  readonly data?: { json(): unknown } | null
  readonly notification?: { close(): void; readonly data?: { readonly facilityId?: unknown } | null }
  waitUntil(work: Promise<unknown>): void
}

interface WorkerScope {
  readonly registration: { showNotification(title: string, options: object): Promise<void> }
  readonly clients: {
    matchAll(filter: { type: "window" }): Promise<readonly { readonly url: string; focus(): Promise<unknown> }[]>
    openWindow(url: string): Promise<unknown>
  }
  addEventListener(type: "push" | "notificationclick", listener: (event: PushOrClick) => void): void
}
