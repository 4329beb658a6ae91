import { SYSLOG_LEVELS, severityOfName } from '#collectors/otlp/log-levels.ts';
import { byResource, type LogAttributes, type LogItem, writeLogGroups } from '#collectors/otlp/log-writer.ts';
import type { SyslogMessage } from './parse-syslog.ts';

/**
 * Syslog as OTLP by the log data model's appendices A ("RFC5424 Syslog") and B (severity): HOSTNAME is host.name, APP-NAME
 * service.name, origin's swVersion service.version and its first ip client.address; the rest are attributes `syslog.…`.
 */
/** RFC 5424, table 1, by the names of syslog.conf and logger. */
const FACILITIES = 'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp security console solaris-cron'
  .split(' ')
  .concat(Array.from({ length: 8 }, (_, i) => `local${i}`));

export interface ReceivedMessage {
  readonly message: SyslogMessage;
  readonly receivedNs: bigint;
  /** '' = not known. */
  readonly peer: string;
}

function attributesOf({ priority, version, procid, msgid, data, problem }: SyslogMessage, peer: string): LogAttributes {
  const attributes = new Map<string, string | number>();
  if (priority >= 0) attributes.set('syslog.facility', FACILITIES[priority >> 3] as string);
  if (version > 0) attributes.set('syslog.version', version);
  if (procid !== '') attributes.set('syslog.procid', procid);
  if (msgid !== '') attributes.set('syslog.msgid', msgid);
  if (problem !== '') attributes.set('syslog.problem', problem);
  if (peer !== '') attributes.set('network.peer.address', peer);
  for (const [id, name, value] of data) {
    if (id === 'origin' && name === 'swVersion') continue;
    const key = id === 'origin' && name === 'ip' ? 'client.address' : `syslog.${id}.${name}`;
    const before = attributes.get(key);
    // A name may come more than once in an element.
    attributes.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return [...attributes];
}
function itemOf({ message, receivedNs, peer }: ReceivedMessage): LogItem & { readonly resource: LogAttributes } {
  const severityText = message.priority < 0 ? '' : (SYSLOG_LEVELS[message.priority & 7] as string);
  return {
    timeNs: message.timeNs,
    observedNs: receivedNs,
    severityNumber: severityOfName(severityText),
    severityText,
    body: message.text,
    attributes: attributesOf(message, peer),
    traceId: '',
    spanId: '',
    resource: resourceOf(message),
  };
}
function resourceOf({ host, app, data }: SyslogMessage): LogAttributes {
  const version = data.find(([id, name]) => id === 'origin' && name === 'swVersion')?.[2] ?? '';
  const attributes: [string, string][] = [
    ['host.name', host],
    ['service.name', app],
    ['service.version', version],
  ];
  return attributes.filter(([, value]) => value !== '');
}

/** @param capacity expected size, bytes @returns ExportLogsServiceRequest, one resource for each host, program and version */
export function writeSyslog(messages: readonly ReceivedMessage[], capacity: number): Uint8Array {
  return writeLogGroups(byResource(messages.map(itemOf)), capacity);
}
