/** API calls: one request that a service of yours answered. */
import { defineKind } from "./kind.ts";

export const apiCall = defineKind({
  name: "api_call",
  table: "api_calls",
  doc: "One request that a service answered.",
  partition: ["user_id", "ip"],
  fields: [
    { name: "method", type: "id", doc: "HTTP method." },
    { name: "path", type: "text", doc: "Path of the request." },
    { name: "status_code", type: "integer", min: 100, max: 999, doc: "HTTP status of the answer." },
    { name: "latency_ms", type: "number", min: 0, doc: "Time until the answer, in milliseconds." },
    { name: "user_id", type: "id", optional: true, doc: "Who called." },
    {
      name: "request_bytes",
      type: "integer",
      min: 0,
      optional: true,
      doc: "Size of the request body in bytes.",
    },
    {
      name: "response_bytes",
      type: "integer",
      min: 0,
      optional: true,
      doc: "Size of the answer's body in bytes.",
    },
    { name: "ip", type: "text", optional: true, doc: "Network address of the caller." },
  ],
  example: {
    event_id: "evt_5001",
    timestamp: "2026-01-31T09:30:00.123Z",
    method: "GET",
    path: "/v1/orders",
    status_code: 200,
    latency_ms: 12.5,
    user_id: "user_42",
    response_bytes: 5120,
    ip: "203.0.113.7",
  },
});
