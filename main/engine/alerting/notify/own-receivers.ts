import type { ReceiverAdditions } from '#contracts/receiver-additions.ts';
import type { Integration } from '#query/alerting/config.ts';

/** local0, as other alerting tools use by default. */
const FACILITY = 16;
/** What the console's own configuration adds to receivers, as integrations. */
export const ownReceivers = (additions: ReceiverAdditions): ReadonlyMap<string, readonly Integration[]> =>
  new Map(
    Object.entries(additions).map(([name, { desktop, sound, syslog }]) => {
      const any = { index: 0, sendResolved: true, line: 0 };
      const address = syslog === undefined ? null : new URL(syslog.replace(/^(udp|tcp):/, 'http:'));
      const own: Integration[] = [
        ...(desktop ? [{ ...any, kind: 'desktop' as const }] : []),
        ...(sound ? [{ ...any, kind: 'sound' as const }] : []),
        ...(address === null
          ? []
          : [
              {
                ...{
                  ...any,
                  kind: 'syslog' as const,
                  facility: FACILITY,
                  transport: syslog?.startsWith('tcp') ? ('tcp' as const) : ('udp' as const),
                },
                ...{ host: address.hostname.replace(/^\[|\]$/g, ''), port: Number(address.port || 80) },
              },
            ]),
      ];
      return [name, own];
    }),
  );
