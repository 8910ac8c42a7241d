/** Starts the engine with the files that the build named; the engine's own code comes only then. */
import type { Engine, EngineAssets } from "./engine.ts";

/** The addresses that the build wrote into the page. */
function assetsOfPage(): EngineAssets {
  const content = (name: string) =>
    document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";
  return {
    worker: content("engine-worker"),
    module: content("engine-module"),
    extensions: content("engine-extensions"),
  };
}

export async function startEngineOfPage(): Promise<Engine> {
  const { startEngine } = await import("./engine.ts");
  return await startEngine(assetsOfPage());
}
