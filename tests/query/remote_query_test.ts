/** Questions that another role answers: what goes wrong there, or on the way, is never taken for an error of ours. */
import { deepStrictEqual, rejects } from "node:assert/strict";
import { Fault } from "../../lib/errors.ts";
import { askRemote } from "../../lib/query/remote_query.ts";

async function withServer(handler: () => Response, work: (url: string) => Promise<void>): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  await work(`http://127.0.0.1:${server.addr.port}`);
  await server.shutdown();
}

const question = { sql: "SELECT 1", limit: 1 };
const away = (fault: unknown) =>
  fault instanceof Fault && fault.code === "query_role_away" && fault.blame === "dependency";

Deno.test("askRemote gives the answer, and says that the role is away when it breaks off", async () => {
  const answer = { columns: [], rows: [], truncated: false, elapsed_ms: 1 };
  await withServer(() => Response.json(answer), async (url) => {
    deepStrictEqual(await askRemote({ url, token: null, timeout_ms: 60_000 }, question), answer);
  });
  const cut = () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"columns": ['));
      },
      pull: (controller) => controller.error(new Error("meant")),
    }, { highWaterMark: 0 });
    return new Response(body);
  };
  await withServer(cut, async (url) => {
    await rejects(askRemote({ url, token: null, timeout_ms: 60_000 }, question), away);
  });
});
