/**
 * The few things a page cannot do by itself (item 20): wrapped functions only, never ipcRenderer itself. Runs in the
 * sandboxed preload; built as CommonJS.
 */
import { contextBridge, ipcRenderer } from 'electron';

contextBridge.exposeInMainWorld('faultlineDesktop', {
  version: (): Promise<string> => ipcRenderer.invoke('faultline:version'),
  /** A deep link was opened: path of the console to show. */
  onOpen: (listener: (path: string) => void): void => {
    ipcRenderer.on('faultline:open', (_event, path) => {
      if (typeof path === 'string') listener(path);
    });
  },
});
