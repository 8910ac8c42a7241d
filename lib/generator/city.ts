/** Where the people of the demo live, what they pay with, and what is much money there. */

export interface City {
  name: string;
  country: string;
  lat: number;
  lon: number;
  currency: Currency;
}

export type Currency = keyof typeof CURRENCIES;

/** Digits after the point, what 1 USD is worth about, and from where on a payment is large. */
export const CURRENCIES = {
  USD: { digits: 2, per_usd: 1, large: 10_000 },
  EUR: { digits: 2, per_usd: 0.9, large: 10_000 },
  GBP: { digits: 2, per_usd: 0.8, large: 10_000 },
  CHF: { digits: 2, per_usd: 0.9, large: 10_000 },
  CAD: { digits: 2, per_usd: 1.4, large: 10_000 },
  AUD: { digits: 2, per_usd: 1.5, large: 10_000 },
  SGD: { digits: 2, per_usd: 1.3, large: 10_000 },
  BRL: { digits: 2, per_usd: 5, large: 10_000 },
  JPY: { digits: 0, per_usd: 150, large: 1_500_000 },
  KWD: { digits: 3, per_usd: 0.3, large: 10_000 },
} as const;

const city = (
  name: string,
  country: string,
  place: [lat: number, lon: number],
  currency: Currency,
): City => ({
  name,
  country,
  lat: place[0],
  lon: place[1],
  currency,
});

export const CITIES: readonly City[] = [
  city("Berlin", "DE", [52.52, 13.405], "EUR"),
  city("Madrid", "ES", [40.4168, -3.7038], "EUR"),
  city("Paris", "FR", [48.8566, 2.3522], "EUR"),
  city("Lisbon", "PT", [38.7223, -9.1393], "EUR"),
  city("Vienna", "AT", [48.2082, 16.3738], "EUR"),
  city("London", "GB", [51.5074, -0.1278], "GBP"),
  city("Edinburgh", "GB", [55.9533, -3.1883], "GBP"),
  city("Zurich", "CH", [47.3769, 8.5417], "CHF"),
  city("New York", "US", [40.7128, -74.006], "USD"),
  city("Chicago", "US", [41.8781, -87.6298], "USD"),
  city("San Francisco", "US", [37.7749, -122.4194], "USD"),
  city("Austin", "US", [30.2672, -97.7431], "USD"),
  city("Toronto", "CA", [43.6532, -79.3832], "CAD"),
  city("Sao Paulo", "BR", [-23.5505, -46.6333], "BRL"),
  city("Sydney", "AU", [-33.8688, 151.2093], "AUD"),
  city("Singapore", "SG", [1.3521, 103.8198], "SGD"),
  city("Tokyo", "JP", [35.6762, 139.6503], "JPY"),
  city("Osaka", "JP", [34.6937, 135.5023], "JPY"),
  city("Kuwait City", "KW", [29.3759, 47.9774], "KWD"),
];

/** An amount as its currency writes it. */
export function amountText(value: number, currency: Currency): string {
  return value.toFixed(CURRENCIES[currency].digits);
}

const EARTH_RADIUS_KM = 6371;

/** Along the surface. */
export function distanceKm(a: Pick<City, "lat" | "lon">, b: Pick<City, "lat" | "lon">): number {
  const radians = Math.PI / 180;
  const cosine = Math.sin(a.lat * radians) * Math.sin(b.lat * radians) +
    Math.cos(a.lat * radians) * Math.cos(b.lat * radians) * Math.cos((a.lon - b.lon) * radians);
  return EARTH_RADIUS_KM * Math.acos(Math.min(1, Math.max(-1, cosine)));
}
