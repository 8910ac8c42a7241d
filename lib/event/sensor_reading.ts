/** Sensor readings: one measured value of one device. */
import { defineKind } from "./kind.ts";

export const sensorReading = defineKind({
  name: "sensor_reading",
  table: "sensor_readings",
  doc: "One measured value of one device.",
  partition: ["device_id"],
  fields: [
    { name: "device_id", type: "id", doc: "The device that measured." },
    { name: "metric", type: "id", doc: "What was measured." },
    { name: "value", type: "number", doc: "The measured value." },
    { name: "unit", type: "text", optional: true, doc: "Unit of the value." },
    { name: "battery", type: "number", optional: true, doc: "Charge of the device's battery, as sent." },
    { name: "lat", type: "number", min: -90, max: 90, optional: true, doc: "Latitude in degrees." },
    { name: "lon", type: "number", min: -180, max: 180, optional: true, doc: "Longitude in degrees." },
  ],
  example: {
    event_id: "evt_4001",
    timestamp: 1769851800123,
    device_id: "device_3",
    metric: "temperature",
    value: 21.5,
    unit: "C",
    battery: 0.83,
  },
});
