// A healthy receiver in a process of its own: it reads each request and answers. It prints its address.

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: async (request) => {
    await request.text()
    return new Response("ok")
  },
})
console.log(`http://127.0.0.1:${server.port}/hook`)
