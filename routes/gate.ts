/** Who may come in: the Host and Origin rules, and what each token opens. */
import { isLoopback, type Settings } from "../lib/config.ts";
import { problem } from "./problem.ts";

export type Level = "admin" | "read" | "ingest";

export interface Visitor {
  level: Level;
  /** What an ingest token calls its records; "token" for everybody else who may ingest. */
  source: string;
}

export type GateSettings = Pick<
  Settings,
  "HOST" | "PUBLIC_URL" | "API_TOKEN" | "READ_TOKEN" | "ingest_tokens"
>;

export const TOKEN_SOURCE = "token";
const MAX_TOKEN_CHARS = 512;
/** What a server on loopback answers to, whichever of its addresses it listens on. */
const LOCAL_NAMES: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];
const BEARER = /^bearer +(\S+) *$/i;

export class Gate {
  readonly #settings: GateSettings;
  readonly #onLoopback: boolean;
  readonly #publicOrigin: string | null;
  readonly #publicHost: string | null;
  /** The Host that was right last, which is nearly always the next one too. */
  #knownHost: string | null = null;

  constructor(settings: GateSettings) {
    this.#settings = settings;
    this.#onLoopback = isLoopback(settings.HOST);
    const url = settings.PUBLIC_URL === null ? null : new URL(settings.PUBLIC_URL);
    this.#publicOrigin = url?.origin ?? null;
    this.#publicHost = url?.host ?? null;
  }

  /** Whether reading and changing need a token at all. */
  get asksForToken(): boolean {
    return this.#settings.API_TOKEN !== null || this.#settings.READ_TOKEN !== null || !this.#onLoopback;
  }

  /** 421 for a name that is not ours (a page that rebinds its name to us), 403 for another site's page. */
  misdirected(request: Request): Response | null {
    const host = request.headers.get("host") ?? new URL(request.url).host;
    if (host !== this.#knownHost) {
      if (!this.#isOurHost(host)) {
        return problem({
          status: 421,
          detail: "This server answers to localhost, 127.0.0.1, [::1] and PUBLIC_URL only.",
          code: "foreign_host",
          close: true,
        });
      }
      this.#knownHost = host;
    }
    const origin = request.headers.get("origin");
    return origin === null || this.isOurOrigin(origin, host) ? null : problem({
      status: 403,
      detail: "The request comes from a page of another origin.",
      code: "foreign_origin",
      close: true,
    });
  }

  isOurOrigin(origin: string, host: string): boolean {
    if (origin === this.#publicOrigin) return true;
    // Behind a public https address, plain http to the same name is not ours.
    if (host === this.#publicHost) return false;
    return origin === `http://${host}` || (origin === `https://${host}` && !this.#onLoopback);
  }

  /** What the Authorization header opens; null for none or a wrong one. */
  bearer(headers: Headers): { given: boolean; visitor: Visitor | null } {
    const authorization = headers.get("authorization");
    if (authorization === null) return { given: false, visitor: null };
    const token = BEARER.exec(authorization)?.[1] ?? "";
    return { given: true, visitor: this.ofToken(token) };
  }

  ofToken(token: string): Visitor | null {
    const { API_TOKEN, READ_TOKEN, ingest_tokens } = this.#settings;
    if (token === "" || token.length > MAX_TOKEN_CHARS) return null;
    if (API_TOKEN !== null && sameText(token, API_TOKEN)) return { level: "admin", source: TOKEN_SOURCE };
    if (READ_TOKEN !== null && sameText(token, READ_TOKEN)) return { level: "read", source: TOKEN_SOURCE };
    let source: string | null = null;
    for (const [one, name] of Object.entries(ingest_tokens)) if (sameText(token, one)) source = name;
    return source === null ? null : { level: "ingest", source };
  }

  /** The source of an ingest request, or null when it may not ingest. */
  ingestSource(headers: Headers): string | null {
    const { given, visitor } = this.bearer(headers);
    if (given) return visitor === null || visitor.level === "read" ? null : visitor.source;
    const isOpen = !this.asksForToken && Object.keys(this.#settings.ingest_tokens).length === 0;
    return isOpen ? TOKEN_SOURCE : null;
  }

  #isOurHost(host: string): boolean {
    if (!this.#onLoopback || host === this.#publicHost) return true;
    const name = host.replace(/:\d{1,5}$/, "").toLowerCase();
    return LOCAL_NAMES.includes(name) || name === this.#settings.HOST;
  }
}

/** Takes as long for a near miss as for a far one of the same length. */
function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i % b.length);
  return difference === 0;
}
