/** Logging in on the real program: whoever is asked for a token on the way somewhere arrives there. */
import assert from "node:assert/strict";
import { AT_REST, startProgram } from "../program.ts";
import { builtPage } from "./built_page.ts";
import { openChromium, watchedPage } from "./chromium.ts";

Deno.test({
  name: "a login that interrupts leads on to where one wanted to be",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await builtPage();
    const folder = await Deno.makeTempDir({ prefix: "page-login-" });
    const env = {
      ...AT_REST,
      DATA_DIR: folder,
      API_TOKEN: "open-sesame-0123456789",
      DEMO_EVENTS_PER_SECOND: "0",
    };
    const program = await startProgram({ env });
    const browser = await openChromium();
    assert.ok(browser, "these tests need a Chromium");
    const { page, faults } = await watchedPage(browser, program.url);
    try {
      const logIn = async (token: string) => {
        await page.getByLabel("Token").fill(token);
        await page.getByRole("button", { name: "Log in" }).click();
      };
      await page.goto(`${program.url}/#/rules`);
      await logIn("not it");
      await page.getByRole("alert").waitFor();
      await logIn(env.API_TOKEN);
      await page.getByRole("heading", { name: "Rules", level: 1 }).waitFor();
      assert.equal(new URL(page.url()).hash, "#/rules");
      await page.context().clearCookies();
      await page.getByRole("link", { name: "Tables", exact: true }).click();
      await logIn(env.API_TOKEN);
      await page.getByRole("heading", { name: "Tables", level: 1 }).waitFor();
      assert.equal(new URL(page.url()).hash, "#/tables");
      // The browser itself notes every answer that is no success.
      assert.deepEqual(faults.filter((fault) => !/40[13]/.test(fault)), []);
    } finally {
      await browser.close();
      await program.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
