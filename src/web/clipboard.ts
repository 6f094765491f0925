// Text into the clipboard, also where the page may not write to it: over plain HTTP from another machine.

/** Copies; where the page may not write to the clipboard itself, by the browser's own command. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch (error) {
    console.info("the clipboard cannot be written, the old way is tried", error);
    const listen = (event: ClipboardEvent) => {
      event.preventDefault();
      event.clipboardData?.setData("text/plain", text);
    };
    document.addEventListener("copy", listen, { once: true, capture: true });
    document.execCommand("copy");
    document.removeEventListener("copy", listen, { capture: true });
  }
}
