/** The server that a command talks to: where it listens by the configuration, and whether it answers. */
import type { Config } from "#base/config.ts"

export const addressOf = ({ host, port }: Config) => `http://${host.includes(":") ? `[${host}]` : host}:${port}`

export const isReady = (config: Config) =>
  fetch(`${addressOf(config)}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  )
