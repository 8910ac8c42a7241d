/** A worker for tests of the shell: its work fails as its role says. */
import { Fault } from "../../lib/errors.ts";
import { runWorker } from "../../workers/shell.ts";

runWorker("shell", async ({ start, ready }) => {
  ready();
  await Promise.resolve();
  if (start.role === "bug") throw new TypeError("a bug");
  const retry = start.role === "passing" ? "after_backoff" : "never";
  throw new Fault("test", `Cannot go on: ${start.role}`, { blame: "dependency", retry });
});
