/** The way out of a session; without one (a laptop, where nobody has to log in) there is nothing to leave. */
import { messageOf } from "../../lib/errors.ts";
import { reach } from "./api.ts";
import { announce } from "./dom.ts";

/** Set and taken back with the session itself, which the page cannot read. */
const KNOWN = "millrace_logged_in=yes";

export function showLogOut(button: HTMLButtonElement): void {
  button.hidden = !document.cookie.split("; ").includes(KNOWN);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      // By fetch: a form of a page without referrer is sent with Origin null, which is nobody's.
      const answer = await reach("/logout", { method: "POST", redirect: "manual" });
      if (answer.type !== "opaqueredirect") throw new Error(`the server answered ${answer.status}`);
      location.assign("/login");
    } catch (error) {
      button.disabled = false;
      button.title = `Cannot log out: ${messageOf(error)}`;
      announce(button.title);
    }
  });
}
