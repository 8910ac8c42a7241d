/** Rows of `analytics.alerts` for tests. */

export const id = (n: number) => n.toString(16).padStart(32, "0");

export function alert(n: number, more: Record<string, unknown> = {}) {
  return {
    alert_id: id(n),
    rule: "amount_anomaly",
    severity: "high",
    user_id: "u1",
    source: "token",
    event_id: `e${n}`,
    log_partition: 0,
    log_offset: n,
    event_time: `2027-01-1${n}T10:00:00.123456`,
    description: "Unusual.",
    trigger_event_ids: [`e${n}`],
    context: { suppressed: 1, amount: "12.3400", currency: "EUR", z_score: n % 2 ? -n : n },
    ...more,
  };
}
