/** The strip that explains the page to somebody new: three questions that run on a click, and how to send an event. */
import { browserStorage } from "../shared/browser_storage.ts";
import { copyText } from "../shared/clipboard.ts";
import { announce, h, icon, ICONS, replace } from "../shared/dom.ts";

export interface Example {
  title: string;
  sql: string;
}

export const EXAMPLES: readonly Example[] = [
  {
    title: "Revenue by currency, hour by hour",
    sql: `-- Revenue is completed or approved, less refunds; money is never added across currencies.
SELECT date_trunc('hour', event_time) AS hour, currency, sum(amount) AS revenue, count(*) AS payments
FROM processed.transactions
WHERE status IN ('completed', 'approved', 'refunded')
GROUP BY ALL
ORDER BY hour DESC, revenue DESC;
`,
  },
  {
    title: "Who looks suspicious?",
    sql: `-- Users with the most alerts, and what was said of them last.
SELECT user_id, count(*) AS alerts, count(DISTINCT rule) AS rules, max(event_time) AS latest,
       arg_max(description, event_time) AS what_happened
FROM analytics.alerts
GROUP BY user_id
ORDER BY alerts DESC
LIMIT 50;
`,
  },
  {
    title: "Does every event add up?",
    sql: `-- Each record of the log has exactly one outcome: nothing is lost, nothing counts twice.
SELECT source, outcome, count(*) AS records, max(received_at) AS latest
FROM raw.events
GROUP BY ALL
ORDER BY source, outcome;
`,
  },
];

const DISMISSED = "millrace.welcome";

export function welcome(run: (example: Example) => void): HTMLElement {
  const place = h("section", { class: "welcome", "aria-label": "Start here" });
  const draw = (isOpen: boolean) =>
    replace(place, ...(isOpen ? opened(run, () => close()) : [closed(() => open())]));
  const open = () => {
    browserStorage.removeItem(DISMISSED);
    draw(true);
  };
  const close = () => {
    browserStorage.setItem(DISMISSED, "yes");
    draw(false);
  };
  draw(browserStorage.getItem(DISMISSED) === null);
  return place;
}

function closed(open: () => void): HTMLElement {
  return h(
    "button",
    { type: "button", class: "button quiet small", on: { click: open } },
    "Examples and how to send events",
  );
}

function opened(run: (example: Example) => void, close: () => void): HTMLElement[] {
  return [
    h(
      "div",
      { class: "welcome-head" },
      h(
        "p",
        {},
        h("b", {}, "Ask your events in SQL. "),
        "Queries run here in your browser, straight on the Parquet files of the lake. Try one:",
      ),
      h("button", {
        type: "button",
        class: "icon-button",
        "aria-label": "Hide the introduction",
        on: { click: close },
      }, icon(ICONS.close)),
    ),
    h(
      "div",
      { class: "welcome-examples" },
      ...EXAMPLES.map((example) =>
        h(
          "button",
          { type: "button", class: "button", on: { click: () => run(example) } },
          icon(ICONS.play),
          example.title,
        )
      ),
    ),
    h(
      "details",
      { class: "welcome-send" },
      h("summary", {}, "Send an event of your own"),
      h(
        "p",
        {},
        "Paste this into a terminal; the row is in ",
        h("code", {}, "processed.transactions"),
        " a few seconds later:",
      ),
      command(ingestLine()),
      h("p", {}, "A webhook as Stripe sends it, signed with the secret of this server:"),
      command("deno run -A main.ts hook stripe"),
      h(
        "p",
        {},
        "The real thing, from your Stripe account. It prints a secret: start the server with it as ",
        h("code", {}, "STRIPE_WEBHOOK_SECRET"),
        ".",
      ),
      command(`stripe listen --forward-to ${location.origin}/hooks/stripe`),
      h(
        "p",
        {},
        "For any other sender, a tunnel: give it the tunnel's address with ",
        h("code", {}, "/hooks/<source>"),
        " behind. Nothing but signed webhooks is answered there.",
      ),
      command(`cloudflared tunnel --url ${location.origin}`),
    ),
  ];
}

/** Works as it is; where the server asks for a token, the shell must know one. */
function ingestLine(): string {
  const isNear = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const token = isNear ? "" : ` -H "authorization: Bearer $INGEST_TOKEN"`;
  return `curl ${location.origin}/ingest/transaction${token} -H 'content-type: application/json' -d '{"event_id":"hello-'$(date +%s)'","timestamp":'$(date +%s)000',"user_id":"me","amount":"12.50","currency":"EUR","status":"completed"}'`;
}

function command(line: string): HTMLElement {
  const copy = h("button", {
    type: "button",
    class: "icon-button",
    "aria-label": "Copy this line",
    title: "Copy",
  }, icon(ICONS.copy));
  copy.addEventListener("click", async () => {
    const fault = await copyText(line);
    if (fault) return announce(fault);
    copy.classList.add("is-done");
    setTimeout(() => copy.classList.remove("is-done"), 1200);
  });
  return h("div", { class: "command" }, h("pre", { tabindex: 0 }, h("code", {}, line)), copy);
}
