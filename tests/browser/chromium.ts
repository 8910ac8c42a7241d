/** Starts a real Chromium for the page's tests, and a page that notes whatever goes wrong in it. */
import { type Browser, chromium, type Page } from "playwright-core";
import { isThere } from "../../lib/store/local_file.ts";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The browser, or null with a printed sentence where there is none. */
export async function openChromium(): Promise<Browser | null> {
  for (const path of [Deno.env.get("CHROMIUM") ?? "", ...PATHS]) {
    if (path === "" || !(await isThere(path))) continue;
    return await chromium.launch({ executablePath: path, args: FLAGS, timeout: PATIENCE_MS });
  }
  console.error("No Chromium found: set CHROMIUM to its path");
  return null;
}

/** What is waited for comes within a second or two; on a machine that is busy with other things, later. */
export const PATIENCE_MS = 300_000;

export interface WatchedPage {
  page: Page;
  /** Errors of scripts, of the policy and of the console, and requests to other origins. */
  faults: string[];
}

export interface PageOptions {
  width?: number;
  height?: number;
  dark?: boolean;
  /** Another origin that the page may read from. */
  store?: string;
}

/**
 * A new page of an empty store at `url`. Pages of one browser share its caches, so that only the first one compiles the
 * engine.
 */
export async function watchedPage(
  browser: Browser,
  url: string,
  options: PageOptions = {},
): Promise<WatchedPage> {
  const context = browser.contexts()[0] ?? await browser.newContext({ reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.setViewportSize({ width: options.width ?? 1280, height: options.height ?? 800 });
  await page.emulateMedia({ colorScheme: options.dark ? "dark" : "light" });
  await forgetStorage(page, url);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("request", (request) => {
    const address = request.url();
    const isOurs = address.startsWith(url) || (options.store && address.startsWith(options.store));
    if (!isOurs && !/^(data|blob|about):/.test(address)) {
      faults.push(`foreign request: ${address}`);
    }
  });
  return { page, faults };
}

/** From a page of that origin which nobody serves; it has an icon, or the browser would ask the server for one, at any time. */
async function forgetStorage(page: Page, url: string): Promise<void> {
  const address = `${url}/not-there`;
  const body = '<link rel="icon" href="data:,">';
  await page.route(address, (route) => route.fulfill({ contentType: "text/html", body }));
  await page.goto(address);
  await page.evaluate(() => localStorage.clear());
  await page.unroute(address);
}
