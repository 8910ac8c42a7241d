/** The path of an event as a strip: door > log > process > publish > compact, each with its state and what waits. */
import { h, replace } from "../shared/dom.ts";
import { count, plural } from "../shared/format.ts";
import type { LivePayload, LiveStage } from "../shared/live.ts";

const DUTIES: Readonly<Record<LiveStage["name"], string>> = {
  door: "takes events in",
  log: "keeps them durably",
  process: "makes rows of them",
  publish: "writes tables",
  compact: "tidies files",
};

export function pipelineStrip(): { element: HTMLElement; show(payload: LivePayload): void } {
  const list = h("ol", { class: "strip", "aria-label": "Pipeline" });
  let drawn = "";
  return {
    element: list,
    show(payload) {
      const stages = payload.stages ?? stagesFrom(payload);
      const key = JSON.stringify(stages);
      if (key === drawn) return;
      drawn = key;
      replace(list, ...stages.map(stageView));
    },
  };
}

function stageView(stage: LiveStage): HTMLElement {
  const lag = stage.lag_records === null
    ? null
    : h("span", { class: "strip-lag number" }, `${count(stage.lag_records)} waiting`);
  return h(
    "li",
    { class: `strip-stage is-${stage.state}` },
    h(
      "span",
      { class: "strip-name" },
      h("span", { class: "strip-dot", "aria-hidden": "true" }),
      stage.name,
      h("span", { class: "visually-hidden" }, ` is ${stage.state}`),
    ),
    h("span", { class: "strip-duty" }, DUTIES[stage.name] ?? ""),
    h("span", { class: "strip-note number" }, stage.note),
    lag,
  );
}

/** What can be said from the numbers alone, for a server that sends no stages. */
function stagesFrom({ metrics }: LivePayload): LiveStage[] {
  const stage = (name: LiveStage["name"], lag_records: number | null, note: string): LiveStage => ({
    name,
    state: lag_records !== null && lag_records > 50_000 ? "behind" : "ok",
    lag_records,
    note,
  });
  return [
    stage("door", null, `${count(metrics.events_per_second)}/s`),
    stage("log", null, plural(metrics.accepted, "record")),
    stage("process", metrics.lag_records ?? null, ""),
    stage(
      "publish",
      null,
      metrics.freshness_seconds === undefined ? "" : `${count(metrics.freshness_seconds)} s fresh`,
    ),
    stage("compact", null, ""),
  ];
}
