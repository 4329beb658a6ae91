import type { ListenerOptions, RunningListener } from '#collectors/net/listener.ts';
import { opened } from './port-owner.ts';

/** Opens what the settings ask for; if one cannot be opened, none stays open. @throws FaultlineError port_taken, config_invalid */
export async function startListeners(options: ListenerOptions): Promise<RunningListener[]> {
  const { listeners } = options;
  const running: RunningListener[] = [];
  try {
    if (listeners.syslog || listeners.syslogTls) {
      const { startSyslog } = await import('#collectors/syslog/syslog-receiver.ts');
      running.push(await startSyslog(options, opened));
    }
    if (listeners.fluent || listeners.fluentTls) {
      const { startFluent } = await import('#collectors/fluent/fluent-receiver.ts');
      running.push(await startFluent(options, opened));
    }
    if (listeners.statsd) {
      const { startStatsd } = await import('#collectors/statsd/statsd-receiver.ts');
      running.push(await startStatsd(options, opened));
    }
    return running;
  } catch (error) {
    await Promise.all(running.map((each) => each.close(0)));
    throw error;
  }
}
