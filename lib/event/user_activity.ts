/** User activity: anything a user did that has no kind of its own. */
import { defineKind } from "./kind.ts";

export const userActivity = defineKind({
  name: "user_activity",
  table: "user_activity",
  doc: "Anything a user did that has no kind of its own.",
  partition: ["user_id"],
  fields: [
    { name: "user_id", type: "id", doc: "Who did it." },
    { name: "activity", type: "id", doc: "What was done." },
    { name: "session_id", type: "id", optional: true, doc: "Session in which it was done." },
    { name: "device_id", type: "id", optional: true, doc: "Device from which it was done." },
    { name: "ip", type: "text", optional: true, doc: "Network address from which it was done." },
    { name: "properties", type: "object", optional: true, doc: "Whatever belongs to it, as JSON text." },
  ],
  example: {
    event_id: "evt_6001",
    timestamp: "2026-01-31T09:30:00.123Z",
    user_id: "user_42",
    activity: "login",
    device_id: "device_3",
    properties: { method: "passkey" },
  },
});
