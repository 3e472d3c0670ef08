{{- /* What the connector and the Pod of `helm test` share. Each takes a dict: root, and connector where it depends on one. */ -}}

{{- define "ambassador-consul-connector.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{- /* The environment as JSON, with the key `env`: what follows from the values, and then `env`. */ -}}
{{- define "ambassador-consul-connector.env" -}}
{{- $values := .root.Values -}}
{{- $consul := $values.consul -}}
{{- $env := list -}}
{{- $given := list
  (list "_AMBASSADOR_ID" .connector.id)
  (list "_CONSUL_SERVICE" .connector.consulService) -}}
{{- /* Where a name is the default of the connector, the variable would say nothing. */ -}}
{{- if ne .connector.secret (printf "%s-consul-connect" .connector.instance) -}}
{{- $given = append $given (list "_AMBASSADOR_TLS_SECRET_NAME" .connector.secret) -}}
{{- end -}}
{{- if ne .connector.service (printf "%s-consul-connector" .connector.instance) -}}
{{- $given = append $given (list "_AMBASSADOR_SERVICE_NAME" .connector.service) -}}
{{- end -}}
{{- if ne .connector.tlsContext "ambassador-consul" -}}
{{- $given = append $given (list "_AMBASSADOR_TLS_CONTEXT_NAME" .connector.tlsContext) -}}
{{- end -}}
{{- if $values.verifyUpstream -}}
{{- $given = append $given (list "_AMBASSADOR_VERIFY_UPSTREAM" "true") -}}
{{- end -}}
{{- if not $values.publishService -}}
{{- $given = append $given (list "_AMBASSADOR_SERVICE_ENABLED" "false") -}}
{{- end -}}
{{- if ne $values.apiVersion "getambassador.io/v2" -}}
{{- $given = append $given (list "_AMBASSADOR_API_VERSION" $values.apiVersion) -}}
{{- end -}}
{{- $labels := list -}}
{{- range $key, $value := $values.publishedLabels -}}
{{- $labels = append $labels (printf "%s=%s" $key $value) -}}
{{- end -}}
{{- $given = append $given (list "_AMBASSADOR_LABELS" (join "," $labels)) -}}
{{- $annotations := list -}}
{{- range $key, $value := $values.publishedAnnotations -}}
{{- /* The kubelet replaces `$(NAME)` by a variable of this name, and leaves `$$(NAME)` as `$(NAME)`. */ -}}
{{- $annotations = append $annotations (printf "%s=%s" $key (replace "$(" "$$(" $value)) -}}
{{- end -}}
{{- $given = append $given (list "_AMBASSADOR_ANNOTATIONS" (join "\n" $annotations)) -}}
{{- if $consul.url -}}
{{- $given = append $given (list "CONSUL_HTTP_ADDR" $consul.url) -}}
{{- else if $consul.host -}}
{{- $given = append $given (list "_CONSUL_HOST" $consul.host) -}}
{{- else if $consul.addresses -}}
{{- $given = append $given (list "CONSUL_ADDRESSES" (join "," $consul.addresses)) -}}
{{- else -}}
{{- $hostIP := dict "fieldRef" (dict "apiVersion" "v1" "fieldPath" "status.hostIP") -}}
{{- $env = append $env (dict "name" "_CONSUL_HOST" "valueFrom" $hostIP) -}}
{{- end -}}
{{- $port := include "ambassador-consul-connector.consulPort" .root -}}
{{- if and (ne $port "8500") (not $consul.url) -}}
{{- $given = append $given (list "_CONSUL_PORT" $port) -}}
{{- end -}}
{{- $given = concat $given (list
  (list "CONSUL_DATACENTER" $consul.datacenter)
  (list "CONSUL_NAMESPACE" $consul.namespace)
  (list "CONSUL_PARTITION" $consul.partition)
  (list "_CONSUL_TRUST_DOMAIN" $consul.trustDomain)) -}}
{{- if $consul.tls.enabled -}}
{{- $given = append $given (list "CONSUL_HTTP_SSL" "true") -}}
{{- if or $consul.tls.ca.secretName $consul.tls.ca.configMapName -}}
{{- $given = append $given (list "CONSUL_CACERT" (printf "/consul/ca/%s" $consul.tls.ca.key)) -}}
{{- end -}}
{{- $given = append $given (list "CONSUL_TLS_SERVER_NAME" $consul.tls.serverName) -}}
{{- if $consul.tls.clientCertificate.secretName -}}
{{- $given = concat $given (list
  (list "CONSUL_CLIENT_CERT" "/consul/client/tls.crt")
  (list "CONSUL_CLIENT_KEY" "/consul/client/tls.key")) -}}
{{- end -}}
{{- end -}}
{{- if $consul.httpAuth.secretName -}}
{{- $key := dict "secretKeyRef" (dict "name" $consul.httpAuth.secretName "key" $consul.httpAuth.key) -}}
{{- $env = append $env (dict "name" "CONSUL_HTTP_AUTH" "valueFrom" $key) -}}
{{- end -}}
{{- if $consul.token.secretName -}}
{{- $given = append $given (list "CONSUL_HTTP_TOKEN_FILE" (printf "/consul/token/%s" $consul.token.key)) -}}
{{- end -}}
{{- if $consul.login.authMethod -}}
{{- $given = concat $given (list
  (list "CONSUL_LOGIN_AUTH_METHOD" $consul.login.authMethod)
  (list "CONSUL_LOGIN_BEARER_TOKEN_FILE" "/consul/login/token")
  (list "CONSUL_LOGIN_DATACENTER" $consul.login.datacenter)
  (list "CONSUL_LOGIN_NAMESPACE" $consul.login.namespace)
  (list "CONSUL_LOGIN_PARTITION" $consul.login.partition)) -}}
{{- end -}}
{{- if ne $values.logLevel "info" -}}
{{- $given = append $given (list "_LOG_LEVEL" $values.logLevel) -}}
{{- end -}}
{{- range $given -}}
{{- if last . -}}
{{- $env = append $env (dict "name" (first .) "value" (last .)) -}}
{{- end -}}
{{- end -}}
{{- $names := list -}}
{{- range $values.env -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- /* Denies child processes, file writes and native addons. */ -}}
{{- if not (has "NODE_OPTIONS" $names) -}}
{{- $permissions := "--permission --allow-fs-read=* --allow-fs-write=/app/compiled" -}}
{{- $env = append $env (dict "name" "NODE_OPTIONS" "value" $permissions) -}}
{{- end -}}
{{- dict "env" (concat $env $values.env) | toJson -}}
{{- end }}

{{- define "ambassador-consul-connector.consulPort" -}}
{{- $consul := .Values.consul -}}
{{- if $consul.url -}}
{{- $default := ternary "443" "80" (hasPrefix "https:" $consul.url) -}}
{{- get (urlParse $consul.url) "host" | regexFind ":[0-9]+$" | trimPrefix ":" | default $default -}}
{{- else -}}
{{- int $consul.port | default (ternary 8501 8500 $consul.tls.enabled) -}}
{{- end -}}
{{- end }}

{{- /* The volumes as JSON, with the keys `volumes` and `volumeMounts`. */ -}}
{{- define "ambassador-consul-connector.volumes" -}}
{{- $consul := .Values.consul -}}
{{- $sources := dict -}}
{{- if $consul.tls.enabled -}}
{{- if $consul.tls.ca.secretName -}}
{{- $_ := set $sources "ca" (dict "secret" (dict "secretName" $consul.tls.ca.secretName)) -}}
{{- else if $consul.tls.ca.configMapName -}}
{{- $_ := set $sources "ca" (dict "configMap" (dict "name" $consul.tls.ca.configMapName)) -}}
{{- end -}}
{{- if $consul.tls.clientCertificate.secretName -}}
{{- /* 288 is 0440: for the group only. */ -}}
{{- $_ := set $sources "client" (dict "secret" (dict "secretName" $consul.tls.clientCertificate.secretName "defaultMode" 288)) -}}
{{- end -}}
{{- end -}}
{{- if $consul.token.secretName -}}
{{- $_ := set $sources "token" (dict "secret" (dict "secretName" $consul.token.secretName "defaultMode" 288)) -}}
{{- end -}}
{{- if $consul.login.authMethod -}}
{{- $token := dict "path" "token" "expirationSeconds" (int $consul.login.expirationSeconds) -}}
{{- if $consul.login.audience -}}
{{- $_ := set $token "audience" $consul.login.audience -}}
{{- end -}}
{{- $_ := set $sources "login" (dict "projected" (dict "sources" (list (dict "serviceAccountToken" $token)))) -}}
{{- end -}}
{{- $volumes := list -}}
{{- $mounts := list -}}
{{- /* Whole folders: a file that is mounted by `subPath` is never updated. */ -}}
{{- range $name, $source := $sources -}}
{{- $volumes = append $volumes (merge (dict "name" (printf "consul-%s" $name)) $source) -}}
{{- $mounts = append $mounts (dict "name" (printf "consul-%s" $name) "mountPath" (printf "/consul/%s" $name) "readOnly" true) -}}
{{- end -}}
{{- dict "volumes" (concat $volumes .Values.volumes) "volumeMounts" (concat $mounts .Values.volumeMounts) | toJson -}}
{{- end }}

{{- /* Image, environment, resources, rights and volumes of a container. */ -}}
{{- define "ambassador-consul-connector.container" -}}
{{- $values := .root.Values -}}
image: {{ include "ambassador-consul-connector.image" .root | quote }}
{{- with $values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
env:
  {{- (include "ambassador-consul-connector.env" . | fromJson).env | toYaml | nindent 2 }}
{{- with $values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- with (include "ambassador-consul-connector.volumes" .root | fromJson).volumeMounts }}
volumeMounts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The Pod but for its containers and where it is scheduled. */ -}}
{{- define "ambassador-consul-connector.pod" -}}
{{- $values := .root.Values -}}
{{- $consul := $values.consul -}}
serviceAccountName: {{ .connector.name }}
automountServiceAccountToken: true
# No variables from other Services, such as CONSUL_PORT=tcp://10.0.0.1:8500.
enableServiceLinks: false
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- if not $values.openshift }}
  runAsUser: 65532
  runAsGroup: 65532
  {{- if or $consul.token.secretName $consul.login.authMethod (and $consul.tls.enabled $consul.tls.clientCertificate.secretName) }}
  # The kubelet makes the mounted credentials readable for this group.
  fsGroup: 65532
  {{- end }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- with (include "ambassador-consul-connector.volumes" .root | fromJson).volumes }}
volumes:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
