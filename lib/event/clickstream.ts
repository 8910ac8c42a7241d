/** Clickstream: what a visitor did on a page, with what follows from it at once: revenue, hour, mobile, bot. */
import type { Cell } from "./column.ts";
import { defineKind, type MutableRow } from "./kind.ts";

const MOBILE = /mobi|android|iphone|ipad/i;
const BOT = /bot|crawler|spider|scrapy|curl|wget|httpx/i;
const HOUR_MS = 3_600_000;

/** Price times quantity, both integers whose product stays below 2^53; null unless it is a purchase that has both. */
function revenueCents(event_type: Cell, price_cents: Cell, quantity: Cell): number | null {
  if (event_type !== "purchase") return null;
  return typeof price_cents === "number" && typeof quantity === "number" ? price_cents * quantity : null;
}

function derive(cells: MutableRow, event_time_ms: number): void {
  const agent = String(cells.user_agent);
  cells.revenue_cents = revenueCents(cells.event_type, cells.price_cents, cells.quantity);
  cells.event_hour = Math.floor(event_time_ms / HOUR_MS) % 24;
  cells.is_mobile = MOBILE.test(agent);
  cells.is_bot = BOT.test(agent);
}

export const clickstream = defineKind({
  name: "clickstream",
  table: "clickstream",
  doc: "What a visitor did on a page.",
  partition: ["user_id"],
  fields: [
    {
      name: "event_type",
      type: "enum",
      values: ["page_view", "add_to_cart", "remove_from_cart", "purchase", "search", "wishlist"],
      doc: "What the visitor did.",
    },
    { name: "user_id", type: "id", doc: "The visitor." },
    { name: "session_id", type: "id", doc: "The visit." },
    { name: "page_url", type: "text", doc: "Address of the page." },
    { name: "user_agent", type: "text", doc: "What the browser calls itself." },
    { name: "ip_address", type: "text", doc: "Network address of the visitor." },
    { name: "geo_country", type: "country", doc: "ISO 3166 two-letter country of the visitor, upper case." },
    { name: "product_id", type: "id", optional: true, doc: "The product concerned." },
    { name: "product_category", type: "text", optional: true, doc: "Category of the product." },
    {
      name: "price_cents",
      type: "integer",
      min: 0,
      max: 10_000_000_000,
      optional: true,
      doc: "Price of one piece in cents.",
    },
    { name: "quantity", type: "integer", min: 1, max: 100_000, optional: true, doc: "Number of pieces." },
    {
      name: "search_query",
      type: "text",
      normal: "trim_lower",
      optional: true,
      doc: "What was searched for, trimmed and in lower case.",
    },
    { name: "referrer", type: "text", optional: true, doc: "Address of the page before." },
    { name: "geo_city", type: "text", optional: true, doc: "City of the visitor." },
  ],
  derived: {
    columns: [
      {
        name: "revenue_cents",
        type: "long",
        doc: "Price times quantity of a purchase that has both, else null.",
      },
      { name: "event_hour", type: "int", doc: "Hour of the day in UTC, 0 to 23." },
      { name: "is_mobile", type: "boolean", doc: "Whether the user agent is that of a phone or tablet." },
      {
        name: "is_bot",
        type: "boolean",
        doc: "Whether the user agent is that of a program; such rows enter no window.",
      },
    ],
    derive,
  },
  example: {
    event_id: "evt_3001",
    event_type: "purchase",
    timestamp: "2026-01-31T09:30:00.123Z",
    user_id: "user_42",
    session_id: "session_9",
    page_url: "https://shop.example/checkout",
    user_agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)",
    ip_address: "203.0.113.7",
    geo_country: "DE",
    product_id: "product_5",
    product_category: "books",
    price_cents: 1250,
    quantity: 2,
  },
});
