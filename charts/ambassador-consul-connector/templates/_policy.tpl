{{- /*
Whether to render the ValidatingAdmissionPolicy: "true" or "". Without a cluster Helm has no list of kinds, not even Pod, and
then the policy is rendered, since every supported Kubernetes serves it.
*/ -}}
{{- define "ambassador-consul-connector.admissionPolicy" -}}
{{- if eq (toString .Values.admissionPolicy) "auto" -}}
{{- if or (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy") (not (.Capabilities.APIVersions.Has "v1/Pod")) -}}
true
{{- end -}}
{{- else if eq (toString .Values.admissionPolicy) "true" -}}
true
{{- end -}}
{{- end }}

{{- /*
A string as the connector writes it into the TLSContext: quoted if YAML 1.1, which Ambassador reads, takes it for another
type. The expressions are those of YAML 1.1 for the characters that the schema of the values accepts.
*/ -}}
{{- define "ambassador-consul-connector.yamlString" -}}
{{- $other := list
  "[Nn]ull|NULL|Y|y|[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON|N|n|[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF"
  "0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*"
  "([0-9][0-9_]*)?(\\.[0-9_]*)?[eE]-?[0-9]+"
  "[0-9][0-9_]*\\.[0-9_]*"
  "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}" -}}
{{- if regexMatch (printf "^(%s)$" (join "|" $other)) . -}}
{{- . | quote -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end }}

{{- /* The TLSContext below its apiVersion and kind, to the letter: see src/publish/tls-context.ts. */ -}}
{{- define "ambassador-consul-connector.tlsContext" -}}
name: {{ include "ambassador-consul-connector.yamlString" .tlsContext }}
{{- if .id }}
ambassador_id: [{{ include "ambassador-consul-connector.yamlString" .id }}]
{{- end }}
hosts: []
secret: {{ include "ambassador-consul-connector.yamlString" (first .secrets) }}
{{- range rest .secrets }}
ca_secret: {{ include "ambassador-consul-connector.yamlString" . }}
{{- end }}
{{ end }}
