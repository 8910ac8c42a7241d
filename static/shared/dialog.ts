/** A modal dialog with a heading and a close button; Escape closes it, and the focus goes back to where it was. */
import { h, icon, ICONS } from "./dom.ts";

export function openDialog(title: string, ...content: (Node | string)[]): HTMLDialogElement {
  const close = h(
    "button",
    { type: "button", class: "icon-button", "aria-label": "Close" },
    icon(ICONS.close),
  );
  const head = h("div", { class: "dialog-head" }, h("h2", {}, title), close);
  const dialog = h("dialog", { "aria-label": title }, head, h("div", { class: "dialog-body" }, ...content));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  // Beside the dialog only when the press began there too: a selection that is drawn out of a field ends there as well.
  let isPressedBeside = false;
  dialog.addEventListener("pointerdown", (event) => isPressedBeside = event.target === dialog);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && isPressedBeside) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
