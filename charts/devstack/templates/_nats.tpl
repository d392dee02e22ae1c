{{- /* What nats-server is told. Nothing secret, not even public keys: those are in its environment. */ -}}
{{- define "devstack.nats.conf" -}}
server_name: $POD_NAME
listen: 0.0.0.0:4222
http: 0.0.0.0:8222
jetstream {
  store_dir: /data
  max_file_store: {{ .root.Values.nats.storage | trimSuffix "i" }}B
}
{{- if gt (int .root.Values.nats.replicas) 1 }}
include routes/cluster.conf
{{- end }}
include nkeys.conf
{{- end -}}

{{- /* The variables that nkeys.conf names. A user that it does not know would have no rights, one without a key no way in: both are refused. */ -}}
{{- define "devstack.nats.keys" -}}
{{- $named := regexFindAll "\\$FILMGATE_NATS_NKEY_[A-Z_]+" (.Files.Get "files/nkeys.conf") -1 | uniq -}}
{{- $given := list -}}
{{- range $user, $key := .Values.nats.users }}
{{- $name := printf "FILMGATE_NATS_NKEY_%s" ($user | upper | replace "-" "_") }}
{{- if not (has (print "$" $name) $named) -}}
{{- fail (printf "\n\nnats.users.%s: nothing says what this user may do; files/nkeys.conf knows %s\n" $user (join ", " $named)) -}}
{{- end -}}
{{- $given = append $given (print "$" $name) }}
- {name: {{ $name }}, value: {{ $key }}}
{{- end -}}
{{- range $named -}}
{{- if and $given (not (has . $given)) -}}
{{- fail (printf "\n\nnats.users has no key for %s: make the secrets anew with secrets.sh\n" .) -}}
{{- end -}}
{{- end -}}
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
