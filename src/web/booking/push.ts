/** Push messages on this device, by the service worker of the page. */
import type { Api } from "./api.ts"

/** `never`: the person or the browser forbids it. `gone`: the browser or the server has no push messages. */
export type PushState = "on" | "off" | "never" | "gone"

export async function pushState(api: Api): Promise<PushState> {
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return "gone"
  if ((await keyOf(api)) === null) return "gone"
  if (Notification.permission === "denied") return "never"
  const registration = await navigator.serviceWorker.getRegistration(scope)
  const subscription = await registration?.pushManager.getSubscription()
  if (!subscription) return "off"
  // Told again: the server may have forgotten the browser, or somebody else was signed in here.
  await api.send("POST", "/v1/me/push-subscriptions", bodyOf(subscription))
  return "on"
}

export async function switchPush(api: Api, isOn: boolean): Promise<PushState> {
  if (!isOn) {
    const registration = await navigator.serviceWorker.getRegistration(scope)
    const subscription = await registration?.pushManager.getSubscription()
    // The push service tells the server that the subscription has ended.
    await subscription?.unsubscribe()
    return "off"
  }
  if ((await Notification.requestPermission()) !== "granted") return "never"
  const key = await keyOf(api)
  if (key === null) return "gone"
  const registration = await navigator.serviceWorker.register("/f/worker.js", { scope })
  await ready(registration)
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
  await api.send("POST", "/v1/me/push-subscriptions", bodyOf(subscription))
  return "on"
}

const scope = "/f/"

const keyOf = async (api: Api): Promise<string | null> =>
  (await api.get<{ publicKey: string | null }>("/v1/push-key")).publicKey

function bodyOf(subscription: PushSubscription) {
  const { endpoint, expirationTime = null, keys = {} } = subscription.toJSON()
  return { endpoint, expirationTime, keys: { p256dh: keys.p256dh, auth: keys.auth } }
}

/** A subscription needs a worker that runs. */
const ready = (registration: ServiceWorkerRegistration): Promise<void> =>
  new Promise((resolve) => {
    const worker = registration.installing ?? registration.waiting
    if (registration.active || worker === null) return resolve()
    worker.addEventListener("statechange", () => worker.state === "activated" && resolve())
  })
