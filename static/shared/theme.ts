/** Light, dark or as the system says; remembered in this browser. */
import { browserStorage } from "./browser_storage.ts";

type Theme = "system" | "light" | "dark";
const ORDER: readonly Theme[] = ["system", "light", "dark"];
const KEY = "millrace.theme";

export function startTheme(button: HTMLButtonElement, icons: Readonly<Record<Theme, () => Element>>): void {
  let theme = ORDER.find((one) => one === browserStorage.getItem(KEY)) ?? "system";
  const apply = () => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const words = theme === "system" ? "follow the system" : theme;
    button.setAttribute("aria-label", `Change colours: ${words}`);
    button.title = `Colours: ${words}`;
    button.replaceChildren(icons[theme]());
    document.dispatchEvent(new CustomEvent("theme-changed"));
  };
  button.addEventListener("click", () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
    browserStorage.setItem(KEY, theme);
    apply();
  });
  apply();
}
