{{- /* What nats-server is told. Public keys only: the seeds are in Secrets. */ -}}
{{- define "devstack.nats.conf" -}}
{{- $full := include "devstack.fullname" .root -}}
{{- $n := .root.Values.nats -}}
server_name: $POD_NAME
listen: 0.0.0.0:4222
http: 0.0.0.0:8222
jetstream {
  store_dir: /data
  max_file_store: {{ $n.storage | trimSuffix "i" }}B
}
{{- if gt (int $n.replicas) 1 }}
include routes/cluster.conf
{{- end }}
authorization {
  users: [
    {{- range $name, $key := $n.users }}
    # {{ $name }}
    {{- $allowed := index (default dict $.permissions) $name }}
    { nkey: {{ $key }}{{ with $allowed }}, permissions: {{ toJson . }}{{ end }} }
    {{- end }}
  ]
}
{{- end -}}

{{- /* How the servers join: with a password, so it is a Secret. */ -}}
{{- define "devstack.nats.cluster" -}}
{{- $full := include "devstack.fullname" .root -}}
{{- $password := .root.Values.secrets.natsRoutePassword -}}
cluster {
  name: {{ $full }}
  listen: 0.0.0.0:6222
  authorization { user: route, password: {{ $password | quote }} }
  routes: [
    {{- range $i := until (int .root.Values.nats.replicas) }}
    "nats-route://route:{{ $password }}@{{ $full }}-nats-{{ $i }}.{{ $full }}-nats-headless:6222"
    {{- end }}
  ]
}
{{- end -}}
