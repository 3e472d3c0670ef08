{{- /* Fails on values that contradict each other, which the schema cannot say in words. */ -}}
{{- define "ambassador-consul-connector.validate" -}}
{{- $consul := .Values.consul -}}
{{- if and $consul.host $consul.addresses -}}
{{- fail "consul.host and consul.addresses: set one of them" -}}
{{- end -}}
{{- if and $consul.url (or $consul.host $consul.addresses $consul.port) -}}
{{- fail "consul.url has the host and the port: set no consul.host, consul.addresses or consul.port" -}}
{{- end -}}
{{- if and $consul.token.secretName $consul.login.authMethod -}}
{{- fail "consul.token.secretName and consul.login.authMethod: set one of them" -}}
{{- end -}}
{{- if and $consul.tls.ca.secretName $consul.tls.ca.configMapName -}}
{{- fail "consul.tls.ca.secretName and consul.tls.ca.configMapName: set one of them" -}}
{{- end -}}
{{- if and (not $consul.tls.enabled) (or $consul.tls.serverName $consul.tls.ca.secretName $consul.tls.ca.configMapName $consul.tls.clientCertificate.secretName) -}}
{{- fail "consul.tls has settings but is not enabled: set consul.tls.enabled to true" -}}
{{- end -}}
{{- /* Not by propertyNames in the schema: Helm 3.22 reports that at the path of another value. */ -}}
{{- range $key, $_ := .Values.publishedLabels -}}
{{- if regexMatch "[=,\\s]" $key -}}
{{- fail (printf "publishedLabels: %s is no key of a label" $key) -}}
{{- end -}}
{{- end -}}
{{- range $key, $_ := .Values.publishedAnnotations -}}
{{- if regexMatch "[=\\s]|^ambassador-consul-connector/|^getambassador\\.io/config$|^kubectl\\.kubernetes\\.io/last-applied-configuration$" $key -}}
{{- fail (printf "publishedAnnotations: %s is no key of an annotation, or has a meaning of its own" $key) -}}
{{- end -}}
{{- end -}}
{{- range list "app.kubernetes.io/name" "app.kubernetes.io/instance" -}}
{{- if hasKey $.Values.podLabels . -}}
{{- fail (printf "podLabels: the published Service selects the Pods by %s, which cannot be changed" .) -}}
{{- end -}}
{{- end -}}
{{- /* What the Role, the admission policy, the probes or a mounted file depend on, by the name without underscore. */ -}}
{{- $settings := dict
  "AMBASSADOR_ID" "ambassadors[].id"
  "AMBASSADOR_TLS_SECRET_NAME" "ambassadors[].secretName"
  "AMBASSADOR_SERVICE_NAME" "ambassadors[].serviceName"
  "AMBASSADOR_TLS_CONTEXT_NAME" "ambassadors[].tlsContextName"
  "AMBASSADOR_VERIFY_UPSTREAM" "verifyUpstream"
  "AMBASSADOR_SERVICE_ENABLED" "publishService"
  "AMBASSADOR_API_VERSION" "apiVersion"
  "AMBASSADOR_LABELS" "publishedLabels"
  "AMBASSADOR_ANNOTATIONS" "publishedAnnotations"
  "CONSUL_SERVICE" "ambassadors[].consulService"
  "CONSUL_HOST" "consul.host"
  "CONSUL_ADDRESSES" "consul.addresses"
  "CONSUL_HTTP_ADDR" "consul.url"
  "CONSUL_HTTP_AUTH" "consul.httpAuth"
  "CONSUL_PORT" "consul.port"
  "CONSUL_DATACENTER" "consul.datacenter"
  "CONSUL_NAMESPACE" "consul.namespace"
  "CONSUL_PARTITION" "consul.partition"
  "CONSUL_TRUST_DOMAIN" "consul.trustDomain"
  "CONSUL_HTTP_SSL" "consul.tls.enabled"
  "CONSUL_TLS_SERVER_NAME" "consul.tls.serverName"
  "CONSUL_CACERT" "consul.tls.ca"
  "CONSUL_CLIENT_CERT" "consul.tls.clientCertificate"
  "CONSUL_CLIENT_KEY" "consul.tls.clientCertificate"
  "CONSUL_HTTP_TOKEN_FILE" "consul.token"
  "CONSUL_LOGIN_AUTH_METHOD" "consul.login.authMethod"
  "CONSUL_LOGIN_BEARER_TOKEN_FILE" "consul.login"
  "CONSUL_LOGIN_DATACENTER" "consul.login.datacenter"
  "CONSUL_LOGIN_NAMESPACE" "consul.login.namespace"
  "CONSUL_LOGIN_PARTITION" "consul.login.partition"
  "LOG_LEVEL" "logLevel" -}}
{{- $unsupported := list "AMBASSADOR_TLS_SECRET_NAMESPACE" "OUTPUT_DIR" "HTTP_PORT" -}}
{{- range .Values.env -}}
{{- $name := trimPrefix "_" .name -}}
{{- if hasKey $settings $name -}}
{{- fail (printf "env: in place of %s set the value %s" .name (get $settings $name)) -}}
{{- else if has $name $unsupported -}}
{{- fail (printf "env: the chart does not support %s" .name) -}}
{{- end -}}
{{- end -}}
{{- end }}
