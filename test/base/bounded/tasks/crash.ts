// A task that ends its own process: with a code, or by a signal.

export default async ({ signal }: { readonly signal?: NodeJS.Signals }) => {
  if (signal === undefined) process.exit(3)
  process.kill(process.pid, signal)
  await new Promise(() => {})
}
