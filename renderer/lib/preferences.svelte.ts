import { getLocale, setLocale } from '../paraglide/runtime.js';
import type { Zone } from './format.ts';

export type Theme = 'system' | 'dark' | 'light';
export type Density = 'compact' | 'comfortable';
export type Locale = 'en' | 'zh';

function stored<T extends string>(name: string, allowed: readonly T[], otherwise: T): T {
  const value = window.localStorage.getItem(`faultline.${name}`) as T | null;
  return value !== null && allowed.includes(value) ? value : otherwise;
}
class Preferences {
  theme = $state<Theme>(stored('theme', ['system', 'dark', 'light'], 'dark'));
  density = $state<Density>(stored('density', ['compact', 'comfortable'], 'compact'));
  zone = $state<Zone>(stored('zone', ['utc', 'local'], 'utc'));
  /** Of notifications: for a board on a wall. */
  sound = $state<'on' | 'off'>(stored('sound', ['on', 'off'], 'off'));
  locale = $state<Locale>(getLocale());
  private systemDark = $state(window.matchMedia('(prefers-color-scheme: dark)').matches);
  readonly dark = $derived(this.theme === 'system' ? this.systemDark : this.theme === 'dark');

  constructor() {
    window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => {
      this.systemDark = event.matches;
    });
  }
  set<K extends 'theme' | 'density' | 'zone' | 'sound'>(name: K, value: Preferences[K]): void {
    (this as Pick<Preferences, K>)[name] = value;
    window.localStorage.setItem(`faultline.${name}`, value);
  }
  setLocale(locale: Locale): void {
    setLocale(locale, { reload: false });
    this.locale = locale;
  }
  toggleTheme(): void {
    this.set('theme', this.dark ? 'light' : 'dark');
  }
}
/** Look, language and clock of this browser. */
export const preferences = new Preferences();
