/** Clickstream: visits of people that look, search, put into the cart and buy; and bots that read page after page. */
import { type Customer, productOf } from "./customer.ts";
import { type Body, type Ids, timeText } from "./generated.ts";
import type { Random } from "./random.ts";

const SHOP = "https://shop.example";
/** Clicks of one visit, at most. */
const LONGEST = 30;
const NEW_VISIT_SHARE = 0.12;

const BOTS = [
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
  "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
  "Scrapy/2.12 (+https://scrapy.org)",
  "python-httpx/0.28.1",
  "curl/8.14.1",
];

const QUERIES = [
  "headphones",
  "Running Shoes",
  "garden chair ",
  "usb-c cable",
  "Novel",
  "tent",
  "lamp",
  "lego",
];
const REFERRERS = ["https://www.google.com/", "https://news.example/", "https://mail.example/", `${SHOP}/`];
const STEPS = {
  page_view: 55,
  search: 12,
  add_to_cart: 14,
  remove_from_cart: 3,
  wishlist: 5,
  purchase: 7,
};

interface Visit {
  customer: Customer;
  session_id: string;
  clicks: number;
  cart: { product: number; quantity: number }[];
}

export interface VisitContext {
  random: Random;
  ids: Ids;
  products: number;
  /** Visits that go on at once. */
  visits: number;
  visitor(): Customer;
}

export class Visits {
  #open: Visit[] = [];

  /** The next click of some visit. */
  click(event_id: string, time_ms: number, context: VisitContext): Body {
    const { random, ids } = context;
    const isNew = this.#open.length === 0 ||
      (this.#open.length < context.visits && random.chance(NEW_VISIT_SHARE));
    if (isNew) {
      this.#open.push({ customer: context.visitor(), session_id: ids.next("visit"), clicks: 0, cart: [] });
    }
    const at = isNew ? this.#open.length - 1 : random.below(this.#open.length);
    const visit = this.#open[at];
    const step = visit.clicks === 0 ? "page_view" : nextStep(visit, random);
    const body = { ...common(visit, event_id, time_ms, random), ...does(step, visit, context) };
    visit.clicks++;
    if (step === "purchase" || visit.clicks >= LONGEST || random.chance(0.05)) {
      this.#open[at] = this.#open[this.#open.length - 1];
      this.#open.pop();
    }
    return body;
  }
}

function nextStep(visit: Visit, random: Random): keyof typeof STEPS {
  const step = random.weighted(STEPS)!;
  const needsCart = step === "purchase" || step === "remove_from_cart";
  return needsCart && visit.cart.length === 0 ? "page_view" : step;
}

function common(visit: Visit, event_id: string, time_ms: number, random: Random): Body {
  const { customer, session_id, clicks } = visit;
  return {
    event_id,
    timestamp: timeText(time_ms),
    user_id: customer.user_id,
    session_id,
    user_agent: customer.agent,
    ip_address: customer.ip,
    geo_country: customer.home.country,
    geo_city: customer.home.name,
    ...(clicks === 0 ? { referrer: random.pick(REFERRERS) } : {}),
  };
}

function does(step: keyof typeof STEPS, visit: Visit, { random, products }: VisitContext): Body {
  const goods = (number: number) => productOf(number);
  // Some goods sell better than others.
  const liked = Math.floor(products * random.next() ** 2);
  switch (step) {
    case "page_view":
    case "wishlist": {
      const { product_id, product_category } = goods(liked);
      return { event_type: step, page_url: `${SHOP}/p/${product_id}`, product_id, product_category };
    }
    case "search": {
      const query = random.pick(QUERIES);
      const page_url = `${SHOP}/search?q=${encodeURIComponent(query)}`;
      return { event_type: step, page_url, search_query: query };
    }
    case "add_to_cart": {
      const quantity = random.chance(0.8) ? 1 : random.whole(2, 5);
      visit.cart.push({ product: liked, quantity });
      return { event_type: step, page_url: `${SHOP}/cart`, ...goods(liked), quantity };
    }
    case "remove_from_cart":
    case "purchase": {
      const { product, quantity } = visit.cart.pop()!;
      const page_url = step === "purchase" ? `${SHOP}/checkout` : `${SHOP}/cart`;
      return { event_type: step, page_url, ...goods(product), quantity };
    }
  }
}

/** A click of a program that calls itself one. */
export function botClick(
  event_id: string,
  time_ms: number,
  { random, products }: { random: Random; products: number },
): Body {
  const bot = random.below(20);
  const { product_id, product_category } = productOf(random.below(products));
  return {
    event_id,
    event_type: "page_view",
    timestamp: timeText(time_ms),
    user_id: `visitor_bot_${bot}`,
    session_id: `crawl_${bot}_${Math.floor(time_ms / 600_000)}`,
    page_url: `${SHOP}/p/${product_id}`,
    user_agent: BOTS[bot % BOTS.length],
    ip_address: `198.51.100.${bot + 1}`,
    geo_country: "US",
    product_id,
    product_category,
  };
}
