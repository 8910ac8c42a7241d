/** The command palette (Ctrl+K): every action of the page and every table, found by a few letters. */
import { h, replace } from "../shared/dom.ts";

export interface Command {
  title: string;
  keys?: string;
  run(): void;
}

const SHOWN = 12;

export function openPalette(commands: readonly Command[]): void {
  const input = h("input", {
    type: "text",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "palette-list",
    "aria-label": "Command",
    placeholder: "Type a command or a table",
    class: "palette-input",
  });
  const list = h("ul", {
    role: "listbox",
    id: "palette-list",
    class: "palette-list",
    "aria-label": "Commands",
  });
  const dialog = h("dialog", { class: "palette", "aria-label": "Commands" }, input, list);
  let found: readonly Command[] = [];
  let chosen = 0;
  const pick = (command: Command | undefined) => {
    dialog.close();
    command?.run();
  };
  const draw = () => {
    found = matching(commands, input.value).slice(0, SHOWN);
    chosen = Math.min(chosen, Math.max(0, found.length - 1));
    replace(list, ...found.map((command, at) => option(command, at, at === chosen, () => pick(command))));
    input.setAttribute("aria-activedescendant", found.length > 0 ? `palette-${chosen}` : "");
  };
  input.addEventListener("input", () => {
    chosen = 0;
    draw();
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length > 0) chosen = (chosen + step + found.length) % found.length;
    else if (event.key !== "Enter") return;
    // Enter would otherwise press the first button of whatever the command opens.
    event.preventDefault();
    if (event.key === "Enter") pick(found[chosen]);
    else draw();
  });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  draw();
  dialog.showModal();
}

function option(command: Command, at: number, isChosen: boolean, pick: () => void): HTMLElement {
  return h(
    "li",
    { role: "option", id: `palette-${at}`, "aria-selected": String(isChosen), on: { click: pick } },
    h("span", {}, command.title),
    command.keys ? h("kbd", {}, command.keys) : null,
  );
}

/** Commands that hold the letters in order, those that hold them as a whole first. Pure. */
export function matching(commands: readonly Command[], typed: string): Command[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === "") return [...commands];
  const scored = commands.map((command) => ({
    command,
    score: scoreOf(command.title.toLowerCase(), wanted),
  }));
  return scored.filter((one) => one.score > 0).sort((a, b) => b.score - a.score).map((one) => one.command);
}

function scoreOf(title: string, wanted: string): number {
  const whole = title.indexOf(wanted);
  if (whole >= 0) return 1000 - whole;
  let at = 0;
  for (const letter of wanted) {
    at = title.indexOf(letter, at) + 1;
    if (at === 0) return 0;
  }
  return 500 - at;
}
