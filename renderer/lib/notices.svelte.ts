import type { AlertNotice } from '#contracts/alerting.ts';
import { chime } from './chime.ts';
import { preferences } from './preferences.svelte.ts';
import { toasts } from './toasts.svelte.ts';

/** Notifications of alerts as the page shows them: a toast, a sound where it is wanted, a number in the title until somebody looks. */
class Notices {
  unseen = $state(0);
  /** The browser keeps the page quiet until it is touched. */
  isMuted = $state(false);

  take({ kind, status, title, body, fingerprint }: AlertNotice): void {
    this.sound(status);
    if (kind === 'sound') return;
    const text = body === '' ? title : `${title}: ${body}`;
    toasts.say(text, status === 'firing' ? 'critical' : 'good', `/alerts?alert=${encodeURIComponent(fingerprint)}`);
    if (!document.hasFocus()) this.unseen++;
  }
  sound(status: AlertNotice['status']): void {
    if (preferences.sound !== 'on') return;
    chime(status).then(
      (heard) => {
        this.isMuted = !heard;
      },
      () => {
        this.isMuted = true;
      },
    );
  }
  seen(): void {
    this.unseen = 0;
    this.isMuted = false;
  }
}
export const notices = new Notices();
