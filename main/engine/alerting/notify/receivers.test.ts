import { createSocket } from 'node:dgram';

import { type AddressInfo, createServer } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { describe, expect, it } from 'vitest';
import { parseSyslog } from '#collectors/syslog/parse-syslog.ts';
import { type EmailIntegration, Secret, type SyslogIntegration } from '#query/alerting/config.ts';
import type { Message } from '#query/alerting/message.ts';
import { BUILT_IN, NotificationTemplates } from '#query/alerting/templates/templates.ts';
import { labelsOf } from '#query/promql/labels.ts';
import { mailText } from './mail-text.ts';
import { sendMail } from './send-mail.ts';
import { sendSyslog } from './send-syslog.ts';

/** Each receiver against a real server of its kind. */
const NOW = Date.UTC(2026, 10, 22, 3);
const hostile = '</td><script>alert(1)</script>\r\nBcc: eve@example.org\r\n.\r\n';
const message = (more: Record<string, string> = {}): Message => ({
  ...{ receiver: 'ops', groupKey: '{}:{alertname="Down"}', externalUrl: 'http://console' },
  groupLabels: labelsOf([['alertname', more['alertname'] ?? 'Down']]),
  alerts: [
    {
      status: 'firing',
      alert: {
        labels: labelsOf(Object.entries({ alertname: 'Down', host: 'ä"1]', severity: 'critical', ...more })),
        annotations: new Map([['summary', more['summary'] ?? 'host ä is down']]),
        ...{ startsAtMs: NOW, endsAtMs: NOW + 1000, updatedAtMs: NOW, isTimeout: false, generatorUrl: 'javascript:alert(1)' },
      },
    },
  ],
});
const options = {
  folder: '/',
  version: '1',
  signal: new AbortController().signal,
  onBytes: () => undefined,
  nowMs: () => NOW,
  templates: BUILT_IN,
};

describe('e-mail', () => {
  interface Received {
    readonly from: string;
    readonly to: readonly string[];
    readonly text: string;
    readonly user: string;
    readonly secure: boolean;
  }
  async function withServer(more: SMTPServerOptions, work: (port: number, mails: Received[]) => Promise<void>): Promise<void> {
    const mails: Received[] = [];
    const server = new SMTPServer({
      ...{ disabledCommands: ['AUTH'], logger: false },
      onData(stream, session, done) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope;
          mails.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            text: Buffer.concat(chunks).toString('utf8'),
            ...{ user: String(session.user ?? ''), secure: session.secure },
          });
          done();
        });
      },
      ...more,
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    try {
      await work((server.server.address() as AddressInfo).port, mails);
    } finally {
      await new Promise<void>((closed) => server.close(() => closed()));
    }
  }
  const nothing = { value: null, file: null };
  const mail = (port: number, more: Partial<EmailIntegration> = {}): EmailIntegration => ({
    ...{ kind: 'email', index: 0, sendResolved: true, line: 1, to: 'ops@example.org, b@example.org', from: 'faultline@example.org' },
    ...{ smarthost: { host: '127.0.0.1', port }, hello: 'here', authUsername: '', authPassword: nothing, authSecret: nothing },
    ...{ authIdentity: '', requireTls: false, tls: null, html: null, text: null, headers: new Map() },
    ...more,
  });
  it('arrives at all, in text and HTML, and nothing of an alert becomes a header, a recipient or markup', async () => {
    await withServer({}, async (port, mails) => {
      const hostileMessage = message({ alertname: hostile, summary: hostile });
      expect(await sendMail(mail(port, { headers: new Map([['X-Team', 'shop']]) }), hostileMessage, options)).toMatchObject({
        ok: true,
        status: 250,
      });
      const [{ text, ...got }] = mails as [Received];
      expect(got).toEqual({ from: 'faultline@example.org', to: ['ops@example.org', 'b@example.org'], user: '', secure: false });
      const [head = ''] = text.split('\r\n\r\n');
      expect(head).not.toMatch(/^bcc:/im);
      expect(head).toMatch(/^X-Team: shop$/m);
      expect(head).toMatch(/^Auto-Submitted: auto-generated$/m);
      expect(text).toMatch(/^Content-Type: text\/plain/m);
      expect(text).toMatch(/^Content-Type: text\/html/m);
      const { html, subject } = mailText(mail(port), hostileMessage, BUILT_IN, NOW);
      expect(html).not.toMatch(/<script|javascript:/);
      expect(html).toContain('&lt;script&gt;');
      expect(subject).not.toMatch(/[\r\n]/);
    });
  });
  it('is written by the templates of its receiver; one that fails gives way to the words built in, and is told of', async () => {
    await withServer({}, async (port, mails) => {
      const own = new NotificationTemplates([{ name: 'a.tmpl', text: '{{ define "mine" }}{{ .Status }} of {{ .Receiver }}{{ end }}' }]);
      const headers = new Map([
        ['Subject', 'Page: {{ template "mine" . }}'],
        ['X-Severity', '{{ .CommonLabels.severity }}'],
      ]);
      const written = mail(port, { headers, html: '<p>{{ (index .Alerts 0).Labels.alertname }}</p>' });
      expect(await sendMail(written, message({ alertname: '<b>' }), { ...options, templates: own })).toMatchObject({ ok: true, error: '' });
      expect(mails[0]?.text).toMatch(/^Subject: Page: firing of /m);
      expect(mails[0]?.text).toContain('<p>&lt;b&gt;</p>');
      expect(mails[0]?.text).not.toContain('Content-Type: text/plain');
      const broken = mail(port, { html: '{{ .Nope }}' });
      const told = await sendMail(broken, message(), options);
      expect(told).toMatchObject({ ok: true, error: expect.stringContaining("can't evaluate field Nope") });
      expect(mails[1]?.text).toContain('Sent by');
    });
  });
  it('signs in over STARTTLS; without it, nothing is sent where it is required', async () => {
    const auth: SMTPServerOptions = {
      disabledCommands: [],
      onAuth: ({ username, password }, _, done) =>
        password === 'right' ? done(null, { user: username }) : done(Object.assign(new Error('no'), { responseCode: 535 })),
    };
    const password = (text: string) => ({ authUsername: 'me', authPassword: { value: new Secret(text), file: null } });
    const tls = {
      caFile: null,
      certFile: null,
      keyFile: null,
      ca: null,
      cert: null,
      key: null,
      serverName: null,
      minVersion: null,
      maxVersion: null,
    };
    const unchecked = { requireTls: true, tls: { ...tls, insecureSkipVerify: true } };
    await withServer(auth, async (port, mails) => {
      expect(await sendMail(mail(port, { ...unchecked, ...password('right') }), message(), options)).toMatchObject({ ok: true });
      expect(mails).toMatchObject([{ user: 'me', secure: true }]);
      const wrong = await sendMail(mail(port, { ...unchecked, ...password('wrong') }), message(), options);
      expect(wrong).toMatchObject({ ok: false, retry: false, status: 535 });
      expect(wrong.error).not.toContain('wrong');
      // A certificate nobody vouches for.
      expect(await sendMail(mail(port, { requireTls: true }), message(), options)).toMatchObject({ ok: false });
    });
    await withServer({ disabledCommands: ['AUTH', 'STARTTLS'] }, async (port, mails) => {
      expect(await sendMail(mail(port, { requireTls: true }), message(), options)).toMatchObject({ ok: false });
      expect(mails).toEqual([]);
    });
  });
  it('is tried again after 4xx and where nothing listens, not after 5xx', async () => {
    const answer = (responseCode: number): SMTPServerOptions => ({
      onRcptTo: (_, __, done) => done(Object.assign(new Error('not now'), { responseCode })),
    });
    await withServer(answer(451), async (port) => {
      expect(await sendMail(mail(port), message(), options)).toMatchObject({ ok: false, retry: true, status: 451 });
    });
    await withServer(answer(550), async (port) => {
      expect(await sendMail(mail(port), message(), options)).toMatchObject({ ok: false, retry: false, status: 550 });
    });
    expect(await sendMail(mail(1), message(), options)).toMatchObject({ ok: false, retry: true, status: null });
  });
});

describe('syslog', () => {
  const syslog = (port: number, transport: 'udp' | 'tcp'): SyslogIntegration => ({
    ...{ kind: 'syslog', index: 0, sendResolved: true, line: 1, host: '127.0.0.1', port, transport, facility: 16 },
  });
  it('is RFC 5424, by UDP', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((ready) => socket.bind(0, '127.0.0.1', ready));
    const arrived = new Promise<Buffer>((done) => socket.once('message', done));
    expect(await sendSyslog(syslog(socket.address().port, 'udp'), message(), options)).toMatchObject({ ok: true });
    const line = await arrived;
    socket.close();
    expect(line.toString()).toMatch(/^<130>1 2026-11-22T03:00:00\.000Z \S+ faultline \d+ alert \[faultline@32473 status="firing" /);
    expect(line.toString()).toContain(' host="ä\\"1\\]" ');
    // As our own receiver reads it.
    expect(parseSyslog(line, { nowMs: NOW, timeZone: '' })).toMatchObject({
      ...{ priority: 16 * 8 + 2, version: 1, app: 'faultline', msgid: 'alert', problem: '', text: 'FIRING Down: host ä is down' },
      data: expect.arrayContaining([['faultline@32473', 'host', 'ä"1]']]) as unknown,
    });
  });
  it('has its length in front by TCP, and one that is not there is tried again', async () => {
    const chunks: Buffer[] = [];
    const server = createServer((socket) => socket.on('data', (chunk) => chunks.push(chunk)).on('end', () => socket.end()));
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const { port } = server.address() as AddressInfo;
    expect(await sendSyslog(syslog(port, 'tcp'), message(), options)).toMatchObject({ ok: true });
    await new Promise((closed) => server.close(closed));
    const [, length, rest = ''] = /^(\d+) (.*)$/s.exec(Buffer.concat(chunks).toString()) ?? [];
    expect(Buffer.byteLength(rest)).toBe(Number(length));
    expect(await sendSyslog(syslog(port, 'tcp'), message(), options)).toMatchObject({
      ...{ ok: false, retry: true, error: `nothing listens at 127.0.0.1:${port}` },
    });
  });
  it('is cut where it is too long, not within a character', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((ready) => socket.bind(0, '127.0.0.1', ready));
    const arrived = new Promise<Buffer>((done) => socket.once('message', done));
    await sendSyslog(syslog(socket.address().port, 'udp'), message({ summary: 'ä'.repeat(10_000) }), options);
    const line = await arrived;
    socket.close();
    expect(line.length).toBeLessThanOrEqual(8_192);
    expect(line.toString()).not.toContain('\ufffd');
  });
});
