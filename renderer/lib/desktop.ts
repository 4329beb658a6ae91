/** What the desktop window can do beyond a browser (main/preload/bridge.ts); null in a browser. */
interface Desktop {
  version(): Promise<string>;
  /** Path of the GGUF file chosen in the system's dialog; null when it was closed. */
  chooseModelFile(): Promise<string | null>;
}
export const desktop: Desktop | null = (window as { faultlineDesktop?: Desktop }).faultlineDesktop ?? null;
