import type { FlushAlert } from '#query/alerting/dispatcher.ts';
import type { Message } from '#query/alerting/message.ts';
import { labelsOf } from '#query/promql/labels.ts';

/** A group of three alerts, one of them resolved, with what templates stumble over. */
const alert = (status: FlushAlert['status'], instance: string, annotations: Record<string, string>): FlushAlert => ({
  status,
  alert: {
    labels: labelsOf([
      ['alertname', 'HighErr'],
      ['cluster', 'a'],
      ['instance', instance],
      ['severity', 'critical'],
    ]),
    annotations: new Map(Object.entries(annotations)),
    startsAtMs: Date.UTC(2026, 0, 5, 7, 4, 9, 120),
    endsAtMs: status === 'resolved' ? Date.UTC(2026, 10, 12, 18, 30, 0, 5) : Date.UTC(2027, 0, 1),
    generatorUrl: 'http://p:9090/graph?g0.expr=a+%3E+0&g0.tab=1',
    updatedAtMs: 0,
    isTimeout: false,
  },
});
export const MESSAGE: Message = {
  receiver: 'ops/team',
  groupKey: '{}:{alertname="HighErr"}',
  groupLabels: labelsOf([
    ['alertname', 'HighErr'],
    ['cluster', 'a'],
  ]),
  alerts: [
    alert('firing', 'b:9100', { summary: 'It\'s "5%" <over> & +1', runbook_url: 'javascript:alert(1)' }),
    alert('firing', 'c:9100', { summary: 'two\nlines', runbook_url: 'https://wiki/a b?q=ü&x=1#top' }),
    alert('resolved', 'd:9100', { summary: '', runbook_url: '' }),
  ],
  externalUrl: 'http://127.0.0.1:4400',
};

export const TEXTS: readonly string[] = [
  'plain, no template',
  '{{ .Status }} {{ .Receiver }} {{ .ExternalURL }}',
  '[{{ .Status | toUpper }}:{{ .Alerts.Firing | len }}/{{ len .Alerts.Resolved }}] {{ .GroupLabels.SortedPairs.Values | join " " }}',
  '{{ range .Alerts }}{{ .Status }} {{ .Labels.instance }} {{ .Annotations.summary }} {{ .Fingerprint }} {{ .GeneratorURL }}\n{{ end }}',
  '{{ range $i, $a := .Alerts }}{{ if $i }}, {{ end }}{{ $a.Labels.instance }}{{ end }}',
  '{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }};{{ end }}{{ range .CommonAnnotations.SortedPairs }}{{ .Name }}{{ else }}none{{ end }}',
  '{{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join "," }} {{ .Names | join "," }}{{ end }}',
  '{{ .CommonLabels.Remove (stringSlice "severity" "nope") | len }} {{ (.CommonLabels.Remove (stringSlice)).Names | join "/" }}',
  '{{ (index .Alerts 0).Labels.alertname }} {{ index .Alerts 1 | printf "%T" | len }}',
  '{{ (index .Alerts.Firing 1).Annotations.summary }}',
  '{{ .CommonLabels.nope }}|{{ .CommonLabels.severity }}|{{ index .CommonLabels "severity" }}',
  '{{ if gt (len .CommonLabels) (len .GroupLabels) }}more{{ else }}same{{ end }}',
  '{{ (index .Alerts 0).StartsAt }}',
  '{{ (index .Alerts 2).EndsAt.Format "Mon Jan _2 15:04:05 2006|Monday, 02-Jan-06 3:04PM MST|2006-01-02T15:04:05.999999999Z07:00|.000 ,000000 .9|002 __2 01 1 2 02|pm 03 3 4 5 04 05" }}',
  '{{ (index .Alerts 0).StartsAt.Format "January Janet Monday Monkey 2006_2 06 -0700 -07 -07:00 Z0700 Z07 -07:00:00" }}',
  '{{ (index .Alerts 0).StartsAt.Unix }} {{ (index .Alerts 0).StartsAt.Weekday }} {{ (index .Alerts 0).StartsAt.Month }} {{ (index .Alerts 0).StartsAt.YearDay }} {{ (index .Alerts 0).StartsAt.Hour }} {{ (index .Alerts 0).EndsAt.IsZero }}',
  '{{ $a := index .Alerts 2 }}{{ $d := $a.EndsAt.Sub $a.StartsAt }}{{ $d }} {{ $d.Hours }} {{ printf "%.1f" $d.Minutes }} {{ $d.Seconds }} {{ ($a.StartsAt.Add $d).Equal $a.EndsAt }} {{ $a.StartsAt.After $a.EndsAt }}',
  '{{ match "^High.*" .CommonLabels.alertname }} {{ reReplaceAll "(\\\\w+):(\\\\d+)" "$2@${1}" (index .Alerts 0).Labels.instance }}',
  '{{ title "this is" }} {{ toLower "ABC" }} {{ join "-" (stringSlice "a" "b") }} {{ safeHtml "<b>" }}',
  '{{ .CommonLabels.SortedPairs.Names | join "," | toUpper | printf "%q" }}',
  '{{ range .Alerts.Resolved }}{{ .EndsAt.UTC.Format "15:04" }}{{ end }}{{ range .Alerts.Firing }}{{ .EndsAt.IsZero }}{{ end }}',
  '{{ define "own" }}<{{ . }}>{{ end }}{{ template "own" .Status }}{{ block "other" .Receiver }}({{ . }}){{ end }}',
  '{{ range .GroupLabels }}{{ . }} {{ end }}{{ range $k, $v := .GroupLabels }}{{ $k }}:{{ $v }} {{ end }}',
  '{{ eq .Status "firing" }} {{ ne .Status "firing" }} {{ and .Status .GroupLabels | len }} {{ or "" .Receiver }} {{ not .Alerts }}',
  '{{ len .CommonAnnotations }} {{ if .CommonAnnotations }}some{{ else }}none{{ end }} {{ urlquery .Receiver }} {{ html "<a>" }} {{ js "it\'s" }}',
  '{{ range $i, $p := .CommonLabels.SortedPairs }}{{ $p }}{{ end }}',
];
/** As HTML: values are escaped by where they stand. */
export const HTMLS: readonly string[] = [
  '<p>{{ .Status }}</p>',
  '{{ range .Alerts }}<b title="{{ .Annotations.summary }}">{{ .Annotations.summary }}</b>{{ end }}',
  "{{ range .Alerts }}<b title='{{ .Annotations.summary }}' id={{ .Labels.instance }}>x</b>{{ end }}",
  '{{ range .Alerts }}<a href="{{ .Annotations.runbook_url }}">r</a>{{ end }}',
  '<a href="{{ (index .Alerts 0).GeneratorURL }}">g</a><a href="/x?q={{ (index .Alerts 0).Annotations.summary }}&r={{ .Receiver }}">s</a>',
  '<a href="http://x/{{ .Receiver }}/{{ (index .Alerts 0).Annotations.summary }}#{{ .Status }}">p</a>',
  '<img src={{ .ExternalURL }} alt={{ .Receiver }}><br/>{{ .Receiver }}',
  '<title>{{ (index .Alerts 0).Annotations.summary }}</title><textarea>{{ (index .Alerts 0).Annotations.summary }}</textarea>',
  '<td style="color:{{ .Status }};width:{{ len .Alerts }}px">{{ len .Alerts }}</td>',
  '{{ safeHtml "<i>safe</i>" }}{{ (index .Alerts 0).Annotations.summary | safeHtml }}<b title="{{ safeHtml "<i>x</i>" }}">b</b>',
  '<table><tr {{ if true }}class="{{ .Status }}"{{ end }}><td>{{ .GroupLabels.alertname }}</td></tr></table>',
  '{{ range .CommonLabels.SortedPairs }}<li data-name="{{ .Name }}" data-url="{{ .Value }}">{{ .Name }} = {{ .Value }}</li>{{ end }}',
  '<a href="mailto:{{ .Receiver }}@x">m</a><a href="{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}">v</a>',
];
/** What does not work, and what is said of it. */
export const FAILURES: readonly string[] = [
  '{{ .Status | nope }}',
  '{{ template "missing" . }}',
  '{{ .CommonLabels.Remove "alertname" }}',
  '{{ (index .Alerts 9).Status }}',
  '{{ (index .Alerts 0).StartsAt.Nope }}',
  '{{ (index .Alerts 0).StartsAt.Format }}',
  '{{ .Status.Foo }}',
  '{{ .Alerts.Status }}',
  '{{ join "," .GroupLabels }}',
  '{{ if }}x{{ end }}',
  '{{ range .Alerts }}',
  '{{ reReplaceAll "(" "" "x" }}',
  '{{ .GroupLabels.SortedPairs.Values "x" }}',
];
