/** Programs that believe they own every partition (stubborn_owner.ts), started, killed and started again. */
import { ok } from "node:assert/strict";
import { endChild } from "../child.ts";
import { inTime } from "../waiting.ts";

const SCRIPT = new URL("./stubborn_owner.ts", import.meta.url).pathname;

export class StubbornOwners implements AsyncDisposable {
  readonly #children: Deno.ChildProcess[] = [];

  constructor(readonly env: Record<string, string>) {}

  /** One more; resolves once it has claimed something. */
  async start(at = this.#children.length): Promise<void> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", SCRIPT],
      env: this.env,
      stdin: "null",
      stdout: "piped",
    }).spawn();
    this.#children[at] = child;
    const claimed = Promise.withResolvers<void>();
    (async () => {
      let said = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        said += text;
        if (said.includes("claimed partition")) claimed.resolve();
      }
      claimed.reject(new Error(`the owner ended:\n${said}`));
    })();
    await inTime(claimed.promise, "the owner's claim");
  }

  /** Kills one, and starts it again: its claims come in the middle of the others' work. */
  async restart(at: number): Promise<void> {
    ok(this.#children[at]);
    await endChild(this.#children[at]);
    await this.start(at);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) await endChild(child);
  }
}
