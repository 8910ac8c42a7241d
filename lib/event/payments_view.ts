/**
 * The view `processed.payments`: each transaction with the latest that was said of its status.
 *
 * A status counts when it is not older than the transaction's own; of equal times the last in the log wins. The text is
 * SQL that every engine of ours understands.
 */

export const PAYMENTS_VIEW = "processed.payments";

export const PAYMENTS_SQL = `
SELECT t.*,
  CASE WHEN s.event_time >= t.event_time THEN s.status ELSE t.status END AS latest_status,
  CASE WHEN s.event_time >= t.event_time THEN s.event_time ELSE t.event_time END AS latest_status_at
FROM processed.transactions AS t
LEFT JOIN (
  SELECT * FROM (
    SELECT source, transaction_id, status, event_time,
      row_number() OVER (
        PARTITION BY source, transaction_id
        ORDER BY event_time DESC, log_partition DESC, log_offset DESC
      ) AS newest
    FROM processed.transaction_statuses
  ) AS ranked WHERE newest = 1
) AS s ON s.source = t.source AND s.transaction_id = t.transaction_id`.trim();
