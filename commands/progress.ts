/** How far long work is: one line that changes on a terminal, now and then a plain line elsewhere. */
import type { Clock } from "../lib/clock.ts";

const ON_TERMINAL_MS = 100;
const ELSEWHERE_MS = 2000;

export interface ProgressOptions {
  what: string;
  total: number;
  clock: Clock;
  is_terminal: boolean;
  write(text: string): void;
}

export class Progress {
  #done = 0;
  #shown_at: number;
  readonly #began_at: number;

  constructor(private readonly options: ProgressOptions) {
    this.#began_at = this.#shown_at = options.clock.now();
  }

  add(count: number): void {
    this.#done += count;
    const now = this.options.clock.now();
    const { is_terminal } = this.options;
    if (now - this.#shown_at < (is_terminal ? ON_TERMINAL_MS : ELSEWHERE_MS)) return;
    this.#shown_at = now;
    const { what, total } = this.options;
    const percent = Math.floor(this.#done / total * 100);
    const per_second = Math.round(this.#done / Math.max(1, now - this.#began_at) * 1000);
    const text = `${this.#done} of ${total} ${what} (${percent} %), ${per_second} a second`;
    this.options.write(is_terminal ? `\r${text}\x1b[K` : `${text}\n`);
  }

  /** Takes the changing line away. */
  end(): void {
    if (this.options.is_terminal) this.options.write("\r\x1b[K");
  }
}

const PATIENCE_MS = 1_000;

/** Does `work`; when it takes long, says on standard error what is done and for how long already. */
export async function whileWaiting<T>(what: string, clock: Clock, work: () => Promise<T>): Promise<T> {
  const is_terminal = Deno.stderr.isTerminal();
  const began_at = clock.now();
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  let told = false;
  const timer = setInterval(() => {
    told = true;
    const text = `${what}, ${Math.round((clock.now() - began_at) / 1000)} s`;
    write(is_terminal ? `\r${text}\x1b[K` : `${text}\n`);
  }, is_terminal ? PATIENCE_MS : ELSEWHERE_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (told && is_terminal) write("\r\x1b[K");
  }
}

/** On standard error, so that what a command gives stays clean. */
export function progressOnTerminal(what: string, total: number, clock: Clock): Progress {
  const encoder = new TextEncoder();
  return new Progress({
    what,
    total,
    clock,
    is_terminal: Deno.stderr.isTerminal(),
    write: (text) => Deno.stderr.writeSync(encoder.encode(text)),
  });
}
