/**
 * What a notification says when the configuration names nothing else: templates under Alertmanager's names, so that files which build on
 * them go on working. The words are ours; the subject is Alertmanager's, by which people filter their mail.
 */
export const DEFAULT_TEMPLATES = `
{{ define "__alertmanager" }}Faultline{{ end }}
{{ define "__alertmanagerURL" }}{{ .ExternalURL }}/alerts{{ end }}
{{ define "__description" }}{{ end }}

{{ define "__subject" -}}
{{ $own := .CommonLabels.Remove .GroupLabels.Names -}}
[{{ if eq .Status "firing" }}FIRING:{{ len .Alerts.Firing }}{{ else }}RESOLVED{{ end }}] {{ join " " .GroupLabels.SortedPairs.Values }}
{{- if gt (len .CommonLabels) (len .GroupLabels) }} ({{ join " " $own.SortedPairs.Values }}){{ end }}
{{- end }}

{{ define "__text_alert_list" }}{{ range . }}Labels:
{{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}Annotations:
{{ range .Annotations.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}Source: {{ .GeneratorURL }}
{{ end }}{{ end }}

{{ define "email.default.subject" }}{{ template "__subject" . }}{{ end }}

{{ define "__mail_text_alert" }}{{ toUpper .Status }}
  since: {{ .StartsAt.Format "2006-01-02T15:04:05.999Z07:00" }}
{{- if eq .Status "resolved" }}
  until: {{ .EndsAt.Format "2006-01-02T15:04:05.999Z07:00" }}
{{- end }}
{{- range .Annotations.SortedPairs }}
  {{ .Name }}: {{ reReplaceAll "\\\\s*\\n\\\\s*" "\\n    " .Value }}
{{- end }}
{{- range .Labels.SortedPairs }}
  {{ .Name }}: {{ reReplaceAll "\\\\s*\\n\\\\s*" "\\n    " .Value }}
{{- end }}
{{- if match "(?i)^https?://" .GeneratorURL }}
  source: {{ .GeneratorURL }}
{{- end }}{{ end }}

{{ define "email.default.text" }}{{ template "__subject" . }}
{{ range $i, $alert := .Alerts }}{{ if lt $i 100 }}
{{ template "__mail_text_alert" $alert }}
{{ end }}{{ end }}
{{- if gt (len .Alerts) 100 }}
Only the first 100 of {{ len .Alerts }} alerts are listed.
{{ end }}
Sent by {{ template "__alertmanager" . }}: {{ template "__alertmanagerURL" . }}
{{ end }}

{{ define "__mail_rows" }}{{ range . }}<tr><td style="color:#666;padding:1px 12px 1px 0;vertical-align:top">{{ .Name }}</td><td style="white-space:pre-wrap">{{ .Value }}</td></tr>{{ end }}{{ end }}

{{ define "email.default.html" -}}
<!DOCTYPE html><html><head><meta charset="utf-8"><title>{{ template "__subject" . }}</title></head><body style="font-family:sans-serif;font-size:14px">
<h2 style="font-size:16px">{{ template "__subject" . }}</h2>
{{- range $i, $alert := .Alerts }}{{ if lt $i 100 }}{{ $colour := "#1b6e3c" }}{{ if eq .Status "firing" }}{{ $colour = "#b3261e" }}{{ end }}
<div style="border-left:4px solid {{ $colour }};padding:4px 12px;margin:12px 0"><b style="color:{{ $colour }}">{{ toUpper .Status }}</b><table>
<tr><td style="color:#666;padding:1px 12px 1px 0">since</td><td>{{ .StartsAt.Format "2006-01-02 15:04:05 MST" }}</td></tr>
{{- if eq .Status "resolved" }}<tr><td style="color:#666;padding:1px 12px 1px 0">until</td><td>{{ .EndsAt.Format "2006-01-02 15:04:05 MST" }}</td></tr>{{ end }}
{{- template "__mail_rows" .Annotations.SortedPairs }}{{ template "__mail_rows" .Labels.SortedPairs }}</table>
{{- if match "(?i)^https?://" .GeneratorURL }}<p><a href="{{ .GeneratorURL }}">Source</a></p>{{ end }}</div>
{{- end }}{{ end }}
{{- if gt (len .Alerts) 100 }}
<p>Only the first 100 of {{ len .Alerts }} alerts are listed.</p>
{{- end }}
<p style="color:#666">Sent by <a href="{{ template "__alertmanagerURL" . }}">{{ template "__alertmanager" . }}</a></p></body></html>
{{ end }}
`;
/** Where the configuration says nothing. */
export const SUBJECT = '{{ template "email.default.subject" . }}';
export const MAIL_TEXT = '{{ template "email.default.text" . }}';
export const MAIL_HTML = '{{ template "email.default.html" . }}';
