/** What goes on beside buying: sensors that measure, services that answer, people that log in, payments that settle. */
import type { Customer } from "./customer.ts";
import { type Body, timeText } from "./generated.ts";
import { Random } from "./random.ts";

interface Happening {
  event_id: string;
  time_ms: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A battery lasts so long, and is then changed. */
const BATTERY_MS = 30 * DAY_MS;

/** A device measures one thing at one place; its values follow the time of day. */
export function reading(device: number, { event_id, time_ms }: Happening, random: Random): Body {
  const own = new Random(`device ${device}`);
  const [metric, unit, middle, swing] = own.pick(METRICS);
  const day = Math.sin(2 * Math.PI * (time_ms % DAY_MS) / DAY_MS + own.between(0, 1));
  const value = middle + swing * day + random.normal() * swing / 10;
  const battery = 1 - ((time_ms + own.below(BATTERY_MS)) % BATTERY_MS) / BATTERY_MS;
  return {
    event_id,
    timestamp: time_ms,
    device_id: `sensor_${String(device).padStart(4, "0")}`,
    metric,
    value: Number(value.toFixed(2)),
    unit,
    battery: Number(battery.toFixed(3)),
    lat: Number(own.between(47, 54).toFixed(4)),
    lon: Number(own.between(6, 15).toFixed(4)),
  };
}

const METRICS: readonly [metric: string, unit: string, middle: number, swing: number][] = [
  ["temperature", "C", 19, 4],
  ["humidity", "%", 55, 12],
  ["pressure", "hPa", 1013, 6],
  ["power", "W", 420, 180],
  ["vibration", "mm/s", 2.2, 0.6],
];

const PATHS = ["/v1/orders", "/v1/orders/{id}", "/v1/products", "/v1/cart", "/v1/users/me", "/v1/search"];
const METHODS = { GET: 70, POST: 20, PUT: 5, DELETE: 3, PATCH: 2 };
const CODES = { "200": 88, "201": 4, "304": 2, "400": 2, "404": 2, "429": 1, "500": 0.7, "503": 0.3 };

export function call(customer: Customer, { event_id, time_ms }: Happening, random: Random): Body {
  const method = random.weighted(METHODS)!;
  const status_code = Number(random.weighted(CODES));
  const slow = status_code >= 500 ? 8 : 1;
  return {
    event_id,
    timestamp: timeText(time_ms),
    method,
    path: random.pick(PATHS),
    status_code,
    latency_ms: Number((slow * 18 * Math.exp(0.7 * random.normal())).toFixed(2)),
    ...(random.chance(0.9) ? { user_id: customer.user_id } : {}),
    ...(method === "GET" ? {} : { request_bytes: random.whole(80, 4000) }),
    response_bytes: random.whole(40, 60_000),
    ip: customer.ip,
  };
}

const ACTIVITIES = {
  login: 45,
  logout: 25,
  profile_view: 15,
  settings_changed: 6,
  password_changed: 2,
  login_failed: 7,
};

export function activity(customer: Customer, { event_id, time_ms }: Happening, random: Random): Body {
  return {
    event_id,
    timestamp: timeText(time_ms),
    user_id: customer.user_id,
    activity: random.weighted(ACTIVITIES),
    device_id: customer.device_id,
    ip: customer.ip,
    properties: {
      method: random.pick(["password", "passkey", "single_sign_on"]),
      remembered: random.chance(0.4),
    },
  };
}

/** News of an earlier payment. */
export function statusChange(
  payment: { transaction_id: string; user_id: string; status: string },
  { event_id, time_ms }: Happening,
  random: Random,
): Body {
  const settles = payment.status === "pending" ? ["completed", "failed"] : ["settled", "reversed"];
  return {
    event_id,
    timestamp: timeText(time_ms),
    transaction_id: payment.transaction_id,
    status: settles[random.chance(0.93) ? 0 : 1],
    previous_status: payment.status,
    user_id: payment.user_id,
  };
}
