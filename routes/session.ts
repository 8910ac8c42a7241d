/**
 * A browser's session: a random name, what it may do and until when, sealed with a key made from the tokens.
 *
 * Nothing is kept of a session, so that any edge knows those of the others and a restart ends none; changing a token
 * ends all. What was logged out is remembered until it would have ended anyway. The key costs a tenth of a second to make,
 * because whoever may read holds a seal, and could else try at leisure which admin token fits it.
 */
import { createHmac, scryptSync, timingSafeEqual } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import type { Level } from "./gate.ts";

export const SESSION_COOKIE = "millrace_session";
/** Says to the page that there is a session, which it cannot read, and opens nothing. */
const KNOWN_COOKIE = "millrace_logged_in";
export const SESSION_MS = 12 * 3_600_000;
const MAX_LOGGED_OUT = 10_000;
const KEY_BYTES = 32;

export interface SessionOptions {
  clock: Pick<Clock, "now">;
  /** The tokens that sessions stand for. */
  tokens: readonly (string | null)[];
  /** Whether browsers reach us over https. */
  secure: boolean;
}

export class Sessions {
  #key: Uint8Array | null = null;
  readonly #loggedOut = new Map<string, number>();

  constructor(readonly options: SessionOptions) {}

  /** The cookies of a new session, each for a Set-Cookie of its own. */
  open(level: Level): string[] {
    const name = crypto.randomUUID().replaceAll("-", "");
    const claim = `${name}.${level}.${this.options.clock.now() + SESSION_MS}`;
    return this.#cookies(`${claim}.${this.#seal(claim)}`, "yes", SESSION_MS / 1000);
  }

  /** The level of the session that the Cookie header names, or null. */
  levelOf(headers: Headers): Level | null {
    const session = this.#read(headers);
    return session === null || this.#loggedOut.has(session.name) ? null : session.level;
  }

  /** Ends the session; the cookies that forget it. */
  close(headers: Headers): string[] {
    const session = this.#read(headers);
    if (session) {
      if (this.#loggedOut.size >= MAX_LOGGED_OUT) this.#forgetEnded();
      this.#loggedOut.set(session.name, session.until_ms);
    }
    return this.#cookies("", "", 0);
  }

  #read(headers: Headers): { name: string; level: Level; until_ms: number } | null {
    const value = cookieValue(headers.get("cookie") ?? "", SESSION_COOKIE);
    const match = /^(([0-9a-f]{32})\.(admin|read)\.(\d{13,16}))\.([0-9a-f]{64})$/.exec(value);
    if (!match) return null;
    const [, claim, name, level, until, seal] = match;
    if (!timingSafeEqual(new TextEncoder().encode(seal), new TextEncoder().encode(this.#seal(claim)))) {
      return null;
    }
    const until_ms = Number(until);
    if (this.options.clock.now() >= until_ms) return null;
    return { name, level: level === "admin" ? "admin" : "read", until_ms };
  }

  #seal(claim: string): string {
    // Made when the first session is met: most programs of a cluster meet none.
    this.#key ??= new Uint8Array(
      scryptSync(JSON.stringify(this.options.tokens), "millrace session", KEY_BYTES),
    );
    return createHmac("sha256", this.#key).update(claim).digest("hex");
  }

  #cookies(session: string, known: string, age_s: number): string[] {
    const rest = `Path=/; Max-Age=${age_s}; SameSite=Strict${this.options.secure ? "; Secure" : ""}`;
    return [`${SESSION_COOKIE}=${session}; HttpOnly; ${rest}`, `${KNOWN_COOKIE}=${known}; ${rest}`];
  }

  #forgetEnded(): void {
    const now = this.options.clock.now();
    for (const [name, until_ms] of this.#loggedOut) if (until_ms <= now) this.#loggedOut.delete(name);
    // Whoever can log in ten thousand times within twelve hours has the token anyway.
    for (const name of this.#loggedOut.keys()) {
      if (this.#loggedOut.size < MAX_LOGGED_OUT) break;
      this.#loggedOut.delete(name);
    }
  }
}

function cookieValue(cookies: string, name: string): string {
  for (const part of cookies.split(";")) {
    const at = part.indexOf("=");
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return "";
}
