/** A log whose calls fail, lose their answers, or crash as a plan says; otherwise it is the log it wraps. */
import type { EventLog, Topic } from "../../lib/log/log.ts";
import { type FaultPlan, underPlan } from "./fault_plan.ts";

/** Every call on the port is a call of the plan, under names such as "append events". Closing never fails. */
export function faultyLog(log: EventLog, plan: FaultPlan): EventLog {
  const call = <T>(verb: string, topic: Topic, effect: () => Promise<T>): Promise<T> =>
    underPlan(plan, `${verb} ${topic}`, effect);
  return {
    identity: (topic) => call("identity", topic, () => log.identity(topic)),
    append: (topic, records) => call("append", topic, () => log.append(topic, records)),
    bounds: (topic, partition) => call("bounds", topic, () => log.bounds(topic, partition)),
    read: (topic, partition, from, limits, signal) =>
      call("read", topic, () => log.read(topic, partition, from, limits, signal)),
    offsetAt: (topic, partition, time_ms) =>
      call("offsetAt", topic, () => log.offsetAt(topic, partition, time_ms)),
    trim: (topic, partition, before) => call("trim", topic, () => log.trim(topic, partition, before)),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
