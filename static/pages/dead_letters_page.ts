/** Dead letters: what could not be taken in, why, the original beside the errors, and a way back for one or many. */
import { send } from "../shared/api.ts";
import { dataTable } from "../shared/data_table.ts";
import { openDialog } from "../shared/dialog.ts";
import { h, replace } from "../shared/dom.ts";
import { count, plural, utc } from "../shared/format.ts";
import { faultNotice, type HandedQuery, pageHead, type ShowPage } from "../shared/page.ts";
import { quoteText } from "../sql/names.ts";
import { type DeadLetter, errorsOf, errorWords, letterView } from "./letter_view.ts";
import { ListView } from "./list_page.ts";
import { tag } from "./severity.ts";

interface Replayed {
  matched: number;
  replayed: number;
  skipped: number;
}

const REASONS = [
  "undecodable",
  "too_deep",
  "unknown_kind",
  "schema",
  "future_timestamp",
  "id_conflict",
  "rule_failed",
];

export const show: ShowPage = (place, context, signal) => {
  const outcome = h("div", { class: "outcome" });
  const chosen = new Set<string>();
  const replayChosen = h("button", { type: "button", class: "button", disabled: true }, "Replay chosen");
  const replayAll = h("button", { type: "button", class: "button" }, "Replay all that match");
  const list: ListView<DeadLetter> = new ListView({
    path: "/api/dead-letters",
    filters: [
      { name: "reason", label: "Reason", choices: REASONS },
      { name: "source", label: "Source" },
      { name: "state", label: "State", choices: ["open", "replayed"] },
      { name: "from", label: "Received from (UTC)", isTime: true },
      { name: "to", label: "to (UTC)", isTime: true },
    ],
    draw: (items) => letterTable(items, chosen, choiceChanged, open),
  }, signal);

  function choiceChanged(): void {
    replayChosen.disabled = chosen.size === 0;
    replayChosen.textContent = chosen.size === 0 ? "Replay chosen" : `Replay ${count(chosen.size)} chosen`;
  }

  /** Whether it is done; where it is not, `faults` says why. */
  async function replay(what: Record<string, unknown>, faults = outcome): Promise<boolean> {
    // A second press would append what the first one is appending.
    if (replayAll.disabled) return false;
    replayChosen.disabled = replayAll.disabled = true;
    try {
      const done = await send<Replayed>("POST", "/api/dead-letters/replay", what);
      const ids = Array.isArray(what.ids) ? what.ids.map(String) : null;
      const look = h("button", { type: "button", class: "button small" }, "See what became of them");
      look.addEventListener("click", () => context.openQuery(fateQuery(ids)));
      replace(outcome, h("p", { class: "notice", role: "alert" }, `${outcomeSentence(done)} `, look));
      chosen.clear();
      await list.load();
      return true;
    } catch (error) {
      replace(faults, faultNotice(error));
      return false;
    } finally {
      replayAll.disabled = false;
      choiceChanged();
    }
  }

  function open(letter: DeadLetter): void {
    const faults = h("div");
    const dialog = openDialog(
      `Dead letter: ${letter.reason}`,
      letterView(letter, {
        // A text that was corrected by hand stays until it is on the log.
        async replay(body) {
          const what = { ids: [letter.dead_letter_id], ...(body === null ? {} : { body }) };
          if (await replay(what, faults)) dialog.close();
        },
        follow() {
          dialog.close();
          context.openQuery(fateQuery([letter.dead_letter_id]));
        },
      }),
      faults,
    );
    dialog.classList.add("wide");
  }

  replayChosen.addEventListener("click", () => replay({ ids: [...chosen] }));
  replayAll.addEventListener("click", () => {
    const { reason, source, from, to, state } = list.values;
    if (state === "replayed") {
      replace(
        outcome,
        faultNotice(new Error("What is shown was replayed already: choose the state open, or any.")),
      );
      return;
    }
    const between = [from && `from ${from}`, to && `to ${to}`].filter(Boolean).join(" ");
    const what = [reason, source].filter(Boolean).join(" from ") || "all open dead letters";
    const words = [what, between].filter(Boolean).join(", ");
    if (confirm(`Append the originals of ${words} to the log again?`)) {
      replay(given({ reason, source, from, to }));
    }
  });
  place.append(
    pageHead(
      "Dead letters",
      "Events that could not become rows. The original bytes are kept; a replay judges them anew, and never twice.",
      replayChosen,
      replayAll,
    ),
    outcome,
    list.element,
  );
  return list.load();
};

function given(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((pair): pair is [string, string] => Boolean(pair[1])),
  );
}

function outcomeSentence(done: Replayed | null): string {
  if (!done) return "Replayed.";
  const skipped = done.skipped > 0 ? `, ${done.skipped} skipped because they were replayed before` : "";
  return `${
    plural(done.matched, "letter")
  } matched, ${done.replayed} appended again${skipped}. Their new outcome is known within seconds.`;
}

function letterTable(
  items: readonly DeadLetter[],
  chosen: Set<string>,
  changed: () => void,
  open: (letter: DeadLetter) => void,
): HTMLElement {
  return dataTable<DeadLetter>(
    [
      {
        name: "Choose",
        head: chooseAll(items, chosen, changed),
        cell: (one) => chooser(one, chosen, changed),
      },
      { name: "Reason", cell: (one) => one.reason },
      { name: "Errors", cell: (one) => errorsOf(one).map(errorWords).join("; ") || "–" },
      { name: "Source", cell: (one) => one.source },
      { name: "Kind", cell: (one) => one.kind },
      { name: "Received (UTC)", cell: (one) => utc(one.received_at) },
      { name: "Place", cell: (one) => `${one.log_partition}/${one.log_offset}` },
      { name: "State", cell: (one) => tag(one.state) },
    ],
    items,
    { caption: "Dead letters", empty: "No dead letters match. That is good news.", open },
  );
}

/** Chooses all open letters that are shown, or none. */
function chooseAll(items: readonly DeadLetter[], chosen: Set<string>, changed: () => void): HTMLElement {
  const open = items.filter((one) => one.state !== "replayed").map((one) => one.dead_letter_id);
  const box = h("input", {
    type: "checkbox",
    "aria-label": "Choose all that are shown",
    title: "Choose all that are shown",
    checked: open.length > 0 && open.every((id) => chosen.has(id)),
  });
  box.addEventListener("change", () => {
    for (const id of open) box.checked ? chosen.add(id) : chosen.delete(id);
    for (const one of box.closest("table")?.querySelectorAll<HTMLInputElement>("tbody input") ?? []) {
      one.checked = box.checked;
    }
    changed();
  });
  return box;
}

function chooser(letter: DeadLetter, chosen: Set<string>, changed: () => void): Node | string {
  if (letter.state === "replayed") return "";
  const box = h("input", {
    type: "checkbox",
    "aria-label": `Choose ${letter.dead_letter_id}`,
    checked: chosen.has(letter.dead_letter_id),
  });
  box.addEventListener("change", () => {
    if (box.checked) chosen.add(letter.dead_letter_id);
    else chosen.delete(letter.dead_letter_id);
    changed();
  });
  return box;
}

/** Records that are replays, of some letters or of any, with what they became. */
function fateQuery(ids: readonly string[] | null): HandedQuery {
  const condition = ids === null ? "IS NOT NULL" : `IN (${ids.map(quoteText).join(", ")})`;
  return {
    title: "Replays",
    sql:
      `-- What became of replayed letters. A replay shows here some seconds after it was sent: then run this again.
SELECT received_at, replay_of AS dead_letter_id, outcome, source, kind, event_id, log_partition, log_offset, body
FROM raw.events
WHERE replay_of ${condition}
ORDER BY received_at DESC
LIMIT 500;
`,
  };
}
