// A task whose process is ended from outside, as the system does for want of memory.

export default async () => {
  process.kill(process.pid, "SIGKILL")
  await new Promise(() => {})
}
