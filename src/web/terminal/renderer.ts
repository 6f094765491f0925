// Draws a terminal with WebGL where that is faster, and with the document's own elements where it is not, fails, or is lost.
import { WebglAddon } from "@xterm/addon-webgl";
import type { Terminal } from "@xterm/xterm";

/** `webgl` and `dom` are a person's own choice, for machines where the right one is not found by itself. */
const KEY = "hearth.terminal.renderer";

export interface Renderer extends Disposable {
  /** A browser grants a page some sixteen WebGL contexts: only what is in view may hold one. */
  show(visible: boolean): void;
}

/** `place` says in `data-renderer` which one draws. `onChange`: cells may have another size now. */
export function accelerate(terminal: Terminal, place: HTMLElement, onChange: () => void): Renderer {
  let addon: WebglAddon | undefined;
  let usable = worthwhile();
  const off = () => {
    addon?.dispose();
    addon = undefined;
    place.dataset.renderer = "dom";
  };
  const on = () => {
    const webgl = new WebglAddon();
    webgl.onContextLoss(() => {
      usable = false;
      off();
      onChange();
    });
    try {
      terminal.loadAddon(webgl);
      addon = webgl;
      place.dataset.renderer = "webgl";
    } catch (error) {
      console.info("terminals are drawn without WebGL", error);
      usable = false;
      webgl.dispose();
    }
  };
  place.dataset.renderer = "dom";
  return {
    show(visible) {
      if (visible === (addon !== undefined) || (visible && !usable)) return;
      if (visible) on();
      else off();
      onChange();
    },
    [Symbol.dispose]: off,
  };
}

function worthwhile(): boolean {
  const wish = localStorage.getItem(KEY);
  if (wish !== null) return wish === "webgl";
  // WebGL that is computed by the processor is slower than elements.
  const context = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (context === null) return false;
  const info = context.getExtension("WEBGL_debug_renderer_info");
  const name = info === null ? "" : String(context.getParameter(info.UNMASKED_RENDERER_WEBGL));
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|softpipe|software/i.test(name);
}
