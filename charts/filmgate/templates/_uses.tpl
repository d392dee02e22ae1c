{{- /*
What a program needs to reach its peers: variables, volumes and mounts, each piece written once. Secrets are files, mounted
for that program alone; no variable holds one.
*/ -}}

{{- define "filmgate.use.nats" -}}
{{- $n := .root.Values.nats -}}
{{- $key := default .name .c.nats.key -}}
env:
  FILMGATE_NATS_URL: {{ $n.url | quote }}
  {{- if eq $n.auth "nkey" }}
  FILMGATE_NATS_NKEY_PATH: /etc/filmgate/nats/seed
  {{- else if eq $n.auth "credentials" }}
  FILMGATE_NATS_CREDENTIALS: /etc/filmgate/nats/creds
  {{- end }}
  {{- if or $n.ca.existingSecret $n.ca.existingConfigMap }}
  FILMGATE_NATS_CA_PATH: /etc/filmgate/nats-ca/ca.crt
  {{- end }}
volumes:
  {{- if ne $n.auth "none" }}
  - name: nats
    secret:
      secretName: {{ default $n.existingSecret .c.nats.existingSecret }}
      defaultMode: 256 # 0400, to which the pod's group is added
      items:
        - key: {{ $key }}
          path: {{ ternary "seed" "creds" (eq $n.auth "nkey") }}
  {{- end }}
  {{- if $n.ca.existingSecret }}
  - name: nats-ca
    secret:
      secretName: {{ $n.ca.existingSecret }}
      defaultMode: 292 # 0444
      items:
        - key: {{ $n.ca.key }}
          path: ca.crt
  {{- else if $n.ca.existingConfigMap }}
  - name: nats-ca
    configMap:
      name: {{ $n.ca.existingConfigMap }}
      items:
        - key: {{ $n.ca.key }}
          path: ca.crt
  {{- end }}
mounts:
  {{- if ne $n.auth "none" }}
  - name: nats
    mountPath: /etc/filmgate/nats
    readOnly: true
  {{- end }}
  {{- if or $n.ca.existingSecret $n.ca.existingConfigMap }}
  - name: nats-ca
    mountPath: /etc/filmgate/nats-ca
    readOnly: true
  {{- end }}
{{- end -}}

{{- define "filmgate.use.s3" -}}
{{- $s := .root.Values.s3 -}}
env:
  FILMGATE_S3_ENDPOINT: {{ $s.endpoint | quote }}
  FILMGATE_S3_BUCKET: {{ $s.bucket | quote }}
  FILMGATE_S3_REGION: {{ $s.region | quote }}
  FILMGATE_S3_TLS: {{ $s.tls | quote }}
{{- if $s.identity.enabled }}
{{- /* Without a role an agent of the cluster tells the pod where it hands out keys. */}}
{{- with default $s.identity.roleARN .c.s3.roleARN }}
  AWS_WEB_IDENTITY_TOKEN_FILE: /etc/filmgate/s3/token
  AWS_ROLE_ARN: {{ . | quote }}
  AWS_ROLE_SESSION_NAME: {{ printf "%s-%s" (include "filmgate.fullname" $.root) $.name | trunc 64 }}
  {{- with $s.identity.stsURL }}
  FILMGATE_S3_STS_URL: {{ . | quote }}
  {{- end }}
volumes:
  - name: s3
    projected:
      defaultMode: 256
      sources:
        - serviceAccountToken:
            audience: {{ $s.identity.audience | quote }}
            expirationSeconds: 3600
            path: token
mounts:
  - name: s3
    mountPath: /etc/filmgate/s3
    readOnly: true
{{- end }}
{{- else }}
  FILMGATE_S3_ACCESS_KEY_FILE: /etc/filmgate/s3/access-key
  FILMGATE_S3_SECRET_KEY_FILE: /etc/filmgate/s3/secret-key
volumes:
  - name: s3
    secret:
      secretName: {{ default $s.existingSecret .c.s3.existingSecret }}
      defaultMode: 256
      items:
        - key: {{ $s.accessKeyKey }}
          path: access-key
        - key: {{ $s.secretKeyKey }}
          path: secret-key
mounts:
  - name: s3
    mountPath: /etc/filmgate/s3
    readOnly: true
{{- end }}
{{- end -}}

{{- /* A database of postgres.jobs or postgres.catalog; provision may have URLs of its own. Takes also store, variable, volume. */ -}}
{{- define "filmgate.use.database" -}}
{{- $secret := index .root.Values.postgres .store -}}
{{- with .c.postgres -}}
{{- $own := index . $.store -}}
{{- if $own.existingSecret -}}{{- $secret = $own -}}{{- end -}}
{{- end -}}
env:
  {{ .variable }}_FILE: /etc/filmgate/{{ .store }}-database/url
volumes:
  - name: {{ .store }}-database
    secret:
      secretName: {{ $secret.existingSecret }}
      defaultMode: 256
      items:
        - key: {{ $secret.key }}
          path: url
mounts:
  - name: {{ .store }}-database
    mountPath: /etc/filmgate/{{ .store }}-database
    readOnly: true
{{- end -}}

{{- define "filmgate.use.jobs-database" -}}
{{- include "filmgate.use.database" (merge (dict "store" "jobs" "variable" "FILMGATE_JOBS_DATABASE") .) -}}
{{- end -}}

{{- define "filmgate.use.catalog-database" -}}
{{- include "filmgate.use.database" (merge (dict "store" "catalog" "variable" "FILMGATE_MAPPER_DATABASE") .) -}}
{{- end -}}

{{- /* Tokens: variable → key of the Secret. Takes also tokens. */ -}}
{{- define "filmgate.use.tokens" -}}
env:
  {{- range $variable, $key := .tokens }}
  {{ $variable }}_FILE: /etc/filmgate/tokens/{{ $key }}
  {{- end }}
volumes:
  - name: tokens
    secret:
      secretName: {{ .root.Values.tokens.existingSecret }}
      defaultMode: 256
      items:
        {{- range uniq (values .tokens | sortAlpha) }}
        - key: {{ . }}
          path: {{ . }}
        {{- end }}
mounts:
  - name: tokens
    mountPath: /etc/filmgate/tokens
    readOnly: true
{{- end -}}

{{- define "filmgate.use.service-token" -}}
{{- include "filmgate.use.tokens" (merge (dict "tokens" (dict "FILMGATE_SERVICE_TOKEN" .root.Values.tokens.serviceKey)) .) -}}
{{- end -}}

{{- define "filmgate.use.both-tokens" -}}
{{- $t := .root.Values.tokens -}}
{{- include "filmgate.use.tokens" (merge (dict "tokens" (dict "FILMGATE_SERVICE_TOKEN" $t.serviceKey "FILMGATE_OPERATOR_TOKEN" $t.operatorKey)) .) -}}
{{- end -}}

{{- /* The operator's token as the command line takes it. */ -}}
{{- define "filmgate.use.operator-token" -}}
{{- include "filmgate.use.tokens" (merge (dict "tokens" (dict "FILMGATE_TOKEN" .root.Values.tokens.operatorKey)) .) -}}
{{- end -}}

{{- define "filmgate.use.tls" -}}
{{- if eq .root.Values.tls.mode "plaintext" -}}
env:
  FILMGATE_GRPC_PLAINTEXT: "true"
{{- else -}}
env:
  FILMGATE_TLS_CERT_PATH: /etc/filmgate/tls/tls.crt
  FILMGATE_TLS_KEY_PATH: /etc/filmgate/tls/tls.key
  FILMGATE_TLS_CA_PATH: /etc/filmgate/tls/ca.crt
volumes:
  - name: tls
    secret:
      secretName: {{ include "filmgate.tlsSecret" . }}
      defaultMode: 256
mounts:
  - name: tls
    mountPath: /etc/filmgate/tls
    readOnly: true
{{- end -}}
{{- end -}}

{{- /* The certificate of programs that only call. */ -}}
{{- define "filmgate.use.smoke-tls" -}}
{{- include "filmgate.use.tls" (merge (dict "name" "smoke" "key" "smoke") .) -}}
{{- end -}}

{{- define "filmgate.use.host-keys" -}}
env:
  FILMGATE_SFTP_HOST_KEYS: /etc/filmgate/host-keys
volumes:
  - name: host-keys
    secret:
      secretName: {{ .c.hostKeys.existingSecret }}
      defaultMode: 256
      items: # named one by one: a pod with a key missing must not start and make one that nobody knows
        - key: ssh_host_ed25519_key
          path: ssh_host_ed25519_key
        - key: ssh_host_ecdsa_key
          path: ssh_host_ecdsa_key
        - key: ssh_host_rsa_key
          path: ssh_host_rsa_key
mounts:
  - name: host-keys
    mountPath: /etc/filmgate/host-keys
    readOnly: true
{{- end -}}

{{- /* What a program says about itself. */ -}}
{{- define "filmgate.use.telemetry" -}}
env:
  FILMGATE_LOG_LEVEL: {{ .root.Values.log.level }}
  FILMGATE_LOG_FORMAT: {{ .root.Values.log.format }}
  {{- with .root.Values.openTelemetry.endpoint }}
  OTEL_EXPORTER_OTLP_ENDPOINT: {{ . | quote }}
  {{- end }}
  {{- range $k, $v := .root.Values.openTelemetry.settings }}
  {{ $k }}: {{ $v | toString | quote }}
  {{- end }}
{{- end -}}

{{- /* What every program has. */ -}}
{{- define "filmgate.use.files" -}}
env:
  {{- if .root.Values.trustedCA.existingConfigMap }}
  SSL_CERT_DIR: /etc/filmgate/trusted-ca
  {{- else }} {}
  {{- end }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: {{ default "64Mi" .c.tmpSizeLimit }}
  {{- with .root.Values.trustedCA }}
  {{- if .existingConfigMap }}
  - name: trusted-ca
    configMap:
      name: {{ .existingConfigMap }}
      items:
        - key: {{ .key }}
          path: ca.crt
  {{- end }}
  {{- end }}
mounts:
  - name: tmp
    mountPath: /tmp
  {{- if .root.Values.trustedCA.existingConfigMap }}
  - name: trusted-ca
    mountPath: /etc/filmgate/trusted-ca
    readOnly: true
  {{- end }}
{{- end -}}

{{- /*
All of a program's variables, volumes and mounts: what it uses, its own variables, the settings, extraEnv last. Each name once:
the API server refuses a variable that is there twice. Takes root, name, key, c, uses, env. Answers {env, volumes, mounts}.
*/ -}}
{{- define "filmgate.parts" -}}
{{- $ctx := . -}}
{{- $env := dict -}}
{{- $volumes := list -}}
{{- $mounts := list -}}
{{- range prepend .uses "files" -}}
{{- $use := include (printf "filmgate.use.%s" .) $ctx | fromYaml -}}
{{- $env = merge $env $use.env -}}
{{- $volumes = concat $volumes (default list $use.volumes) -}}
{{- $mounts = concat $mounts (default list $use.mounts) -}}
{{- end -}}
{{- $env = mergeOverwrite $env .env -}}
{{- range $k, $v := .c.settings -}}
{{- /* Large numbers come as floats: 67108864 must not be written 6.7108864e+07. */ -}}
{{- if and (kindIs "float64" $v) (eq (floor $v) $v) -}}{{- $v = printf "%.0f" $v -}}{{- end -}}
{{- $_ := set $env $k (toString $v) -}}
{{- end -}}
{{- range .c.extraEnv -}}{{- $_ := unset $env .name -}}{{- end -}}
{{- $list := list -}}
{{- range $k := keys $env | sortAlpha -}}
{{- $list = append $list (dict "name" $k "value" (index $env $k | toString)) -}}
{{- end -}}
{{- dict "env" (concat $list (default list .c.extraEnv)) "volumes" (concat $volumes (default list .c.extraVolumes)) "mounts" (concat $mounts (default list .c.extraVolumeMounts)) | toYaml -}}
{{- end -}}
