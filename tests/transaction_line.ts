/** One line of NDJSON for `/ingest/transaction`: a payment of 1.50 EUR, a second ago. */
export function transactionLine(event_id: string): string {
  return JSON.stringify({
    event_id,
    timestamp: Date.now() - 1_000,
    user_id: `u${event_id.length % 7}${event_id.at(-1)}`,
    amount: "1.50",
    currency: "EUR",
    status: "completed",
  });
}
