// A task that answers at once, and tells of its process what a test wants to know.

export default (input: { readonly say: string }) => ({
  say: input.say,
  pid: process.pid,
  variables: Object.keys(process.env).sort(),
  folder: process.cwd(),
})
