{{- define "ambassador-consul-connector.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name -}}
{{- end -}}
{{- end }}

{{- /*
The connectors of the release as JSON, with every default, one for each entry of `ambassadors`: id, instance, name (of its
own objects), secret, service, tlsContext and consulService.
*/ -}}
{{- define "ambassador-consul-connector.connectors" -}}
{{- $fullname := include "ambassador-consul-connector.fullname" . -}}
{{- $connectors := list -}}
{{- $taken := dict -}}
{{- range .Values.ambassadors -}}
{{- $id := .id | default "" -}}
{{- $instance := $id | default "ambassador" -}}
{{- /* An ID may have capitals, dots and underscores, the name of a Kubernetes object may not. */ -}}
{{- $name := ternary $fullname (printf "%s-%s" $fullname ($id | lower | replace "_" "-" | replace "." "-")) (eq $id "") -}}
{{- if gt (len $name) 63 -}}
{{- fail (printf "ambassadors: the name %s is longer than 63 characters: shorten fullnameOverride or the name of the release" $name) -}}
{{- end -}}
{{- $connector := dict
  "id" $id
  "instance" $instance
  "name" $name
  "secret" (.secretName | default (printf "%s-consul-connect" $instance))
  "service" (.serviceName | default (printf "%s-consul-connector" $instance))
  "tlsContext" (.tlsContextName | default "ambassador-consul")
  "consulService" (.consulService | default "") -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" $connector.secret) -}}
{{- fail (printf "ambassadors: the ID %s makes no name that Kubernetes accepts: set secretName" $id) -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$" $connector.service) -}}
{{- fail (printf "ambassadors: the ID %s makes no name that Kubernetes accepts: set serviceName" $id) -}}
{{- end -}}
{{- $written := list $connector.secret -}}
{{- if $.Values.verifyUpstream -}}
{{- $written = append $written (printf "%s-ca" $connector.secret) -}}
{{- end -}}
{{- $kept := list (printf "the name %s" $name) (printf "the Service %s" $connector.service) -}}
{{- range $written -}}
{{- $kept = append $kept (printf "the Secret %s" .) -}}
{{- end -}}
{{- range $kept -}}
{{- if hasKey $taken . -}}
{{- fail (printf "ambassadors: two of them have %s" .) -}}
{{- end -}}
{{- $_ := set $taken . true -}}
{{- end -}}
{{- $_ := set $connector "secrets" $written -}}
{{- $connectors = append $connectors $connector -}}
{{- end -}}
{{- dict "connectors" $connectors | toJson -}}
{{- end }}

{{- /* What the published Service selects Pods by. So these labels are the same whatever the release is called. */ -}}
{{- define "ambassador-consul-connector.labels" -}}
app.kubernetes.io/name: ambassador-consul-connector
app.kubernetes.io/instance: {{ .instance | quote }}
{{- end }}
