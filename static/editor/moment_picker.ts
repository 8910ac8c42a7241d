/** Time travel of a tab: now, a snapshot of the tables at hand along a slider, or any time that is typed. */
import { messageOf } from "../../lib/errors.ts";
import { openDialog } from "../shared/dialog.ts";
import { h, icon, ICONS, replace } from "../shared/dom.ts";
import { ago, count, utc } from "../shared/format.ts";
import { snapshotsOf } from "../shared/snapshots.ts";

export class MomentPicker {
  readonly element = h("button", { type: "button", class: "button", "aria-haspopup": "dialog" });

  /** `tables` gives the names of the tables at hand when it is opened. */
  constructor(readonly tables: () => readonly string[], readonly change: (as_of: string | null) => void) {
    this.element.addEventListener("click", () => this.#open());
  }

  show(as_of: string | null): void {
    replace(this.element, icon(ICONS.clock), as_of ? `As of ${utc(as_of)}` : "As of now");
    this.element.classList.toggle("is-past", as_of !== null);
  }

  async #open(): Promise<void> {
    const time = h("input", { type: "datetime-local", step: 1, "aria-label": "Time (UTC)" });
    const set = h("button", { type: "button", class: "button" }, "Use this time");
    const now = h("button", { type: "button", class: "button primary" }, "Back to now");
    const snapshots = h(
      "div",
      { class: "moment-snapshots" },
      h("p", { class: "muted" }, "Loading snapshots…"),
    );
    const dialog = openDialog(
      "Look at the data as of",
      h(
        "p",
        { class: "muted" },
        "Every query of this tab then reads the tables as they were at that moment.",
      ),
      snapshots,
      h("div", { class: "buttons" }, h("label", { class: "field" }, "Time (UTC)", time), set, now),
    );
    const choose = (as_of: string | null) => {
      dialog.close();
      this.change(as_of);
    };
    set.addEventListener("click", () => time.value && choose(new Date(`${time.value}Z`).toISOString()));
    now.addEventListener("click", () => choose(null));
    try {
      replace(snapshots, await this.#slider(choose));
    } catch (error) {
      replace(snapshots, h("p", { class: "muted" }, messageOf(error)));
    }
  }

  async #slider(choose: (as_of: string) => void): Promise<HTMLElement> {
    const names = this.tables();
    if (names.length === 0) {
      return h("p", { class: "muted" }, "Name a table in the query to choose among its snapshots.");
    }
    const lists = await Promise.all(names.map((name) => snapshotsOf(name)));
    const times = [...new Set(lists.flat().map((one) => one.committed_at))].sort();
    if (times.length === 0) return h("p", { class: "muted" }, "There are no snapshots yet.");
    const label = h("output", { class: "number" });
    const slider = h("input", {
      type: "range",
      min: 0,
      max: times.length - 1,
      value: times.length - 1,
      class: "snapshot-slider",
      "aria-label": `Snapshots of ${names.join(", ")}`,
    });
    const use = h("button", { type: "button", class: "button" }, "Use this snapshot");
    const draw = () => {
      const at = times[Number(slider.value)];
      const place = `${count(Number(slider.value) + 1)} of ${count(times.length)} kept`;
      label.textContent = `${utc(at)} UTC (${ago(at, Date.now())}), ${place}`;
      slider.setAttribute("aria-valuetext", label.textContent);
    };
    slider.addEventListener("input", draw);
    use.addEventListener("click", () => choose(times[Number(slider.value)]));
    draw();
    return h(
      "div",
      {},
      h("p", {}, `Snapshots of ${names.join(", ")}`),
      slider,
      label,
      h("div", { class: "buttons" }, use),
    );
  }
}
