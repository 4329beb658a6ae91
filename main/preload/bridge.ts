/**
 * The few things a page cannot do by itself (item 20): wrapped functions only, never ipcRenderer itself. Runs in the
 * sandboxed preload; built as CommonJS.
 */
import { contextBridge, ipcRenderer } from 'electron';

contextBridge.exposeInMainWorld('faultlineDesktop', {
  version: (): Promise<string> => ipcRenderer.invoke('faultline:version'),
  chooseModelFile: (): Promise<string | null> => ipcRenderer.invoke('faultline:choose-model-file'),
});
