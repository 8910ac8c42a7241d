/** The reference of the hooks bench: a Hono route that reads the body and answers 202, in a process of its own. */
import { Hono } from "hono";

const app = new Hono().post("/hooks/stripe", async (c) => {
  await c.req.arrayBuffer();
  return c.json({ id: "none" }, 202);
});
const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => undefined }, app.fetch);
console.log(`http://127.0.0.1:${server.addr.port}`);
