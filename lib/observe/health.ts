/** What the program depends on, and how each of it does: asked when somebody wants to know, never waited for long. */
import { type Clock, elapsedMs } from "../clock.ts";
import { messageOf } from "../errors.ts";

/** `degraded`: the work goes on, but not as it should (a spill fills while the broker is away). */
export type Condition = "ok" | "degraded" | "down";

/** What was found, and why it is not better. */
export interface Finding {
  condition: Condition;
  detail?: string;
}

export interface Dependency {
  name: string;
  /** Whether the role cannot do its work without it. */
  required: boolean;
  /** Rejecting is being down; the text of the rejection is shown. */
  check(signal: AbortSignal): Promise<Condition | Finding>;
}

export interface DependencyReport {
  name: string;
  condition: Condition;
  required: boolean;
  /** Since the condition was found. */
  age_seconds: number;
  detail?: string;
}

const FRESH_MS = 1_000;
const PATIENCE_MS = 2_000;

export class Health {
  readonly #found = new Map<string, Finding & { at_ms: number }>();
  readonly #asking = new Map<string, Promise<void>>();

  constructor(readonly dependencies: readonly Dependency[], readonly clock: Clock) {}

  /** Asks what was not asked within a second; what does not answer in two is down, and is not asked again meanwhile. */
  async report(): Promise<DependencyReport[]> {
    const now = this.clock.now();
    await Promise.all(this.dependencies.map(async (dependency) => {
      const found = this.#found.get(dependency.name);
      if (!found || elapsedMs(found.at_ms, now) >= FRESH_MS) await this.#ask(dependency);
    }));
    return this.dependencies.map(({ name, required }) => {
      const { condition, detail, at_ms } = this.#found.get(name)!;
      const age_seconds = Math.max(0, this.clock.now() - at_ms) / 1000;
      return { name, condition, required, age_seconds, ...(detail ? { detail } : {}) };
    });
  }

  async #ask(dependency: Dependency): Promise<void> {
    const { name } = dependency;
    let asking = this.#asking.get(name);
    if (!asking) {
      asking = this.#find(dependency).finally(() => this.#asking.delete(name));
      this.#asking.set(name, asking);
    }
    await asking;
  }

  async #find(dependency: Dependency): Promise<void> {
    const over = new AbortController();
    const late = this.clock.sleep(PATIENCE_MS, over.signal).then(
      (): Finding => ({ condition: "down", detail: "does not answer" }),
      (): Finding => ({ condition: "down", detail: "was not waited for" }),
    );
    const asked = dependency.check(over.signal).then(
      (found): Finding => typeof found === "string" ? { condition: found } : found,
      (error): Finding => ({ condition: "down", detail: messageOf(error) }),
    );
    const finding = await Promise.race([asked, late]);
    over.abort();
    this.#found.set(dependency.name, { ...finding, at_ms: this.clock.now() });
  }
}

/** ready: all well; degraded: works, with less; unready: something required is down. */
export function readiness(reports: readonly DependencyReport[]): "ready" | "degraded" | "unready" {
  if (reports.some((one) => one.required && one.condition === "down")) return "unready";
  return reports.every((one) => one.condition === "ok") ? "ready" : "degraded";
}
