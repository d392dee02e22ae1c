{{- /* Names, labels and images. Everything that several objects must say alike is said here. */ -}}

{{- define "filmgate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* Short enough that every suffix (-album-mapper-headless) still fits into 63 characters. */ -}}
{{- define "filmgate.fullname" -}}
{{- $name := include "filmgate.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* The long-running programs: name, and key in values. */ -}}
{{- define "filmgate.components" -}}
sftp-edge: sftpEdge
job-status: jobStatus
album-mapper: albumMapper
processing: processing
studio: studio
{{- end -}}

{{- /* What a component is told: its own values over the defaults. Takes (dict "root" $ "key" "sftpEdge"). */ -}}
{{- define "filmgate.component" -}}
{{- mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy (index .root.Values .key)) | toYaml -}}
{{- end -}}

{{- /* What a program without probes or replicas of its own is told: its values over those of the defaults that apply to it. Takes root and c. */ -}}
{{- define "filmgate.brief" -}}
{{- mergeOverwrite (pick (deepCopy .root.Values.defaults) "podSecurityContext" "securityContext" "tmpSizeLimit" "networkPolicy" "nodeSelector" "tolerations" "affinity" "priorityClassName") (deepCopy .c) | toYaml -}}
{{- end -}}

{{- define "filmgate.selector" -}}
app.kubernetes.io/name: {{ include "filmgate.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- /* Labels of an object; without a name those of the whole release. */ -}}
{{- define "filmgate.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "filmgate.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .name }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: filmgate
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Labels of pods: without the chart's version, which would start all of them anew for a change of a comment. */ -}}
{{- define "filmgate.podLabels" -}}
{{- include "filmgate.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: filmgate
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* metadata of an object. Takes root, name (component, may be empty), object (suffix; default: the component), labels and annotations. */ -}}
{{- define "filmgate.metadata" -}}
{{- $suffix := default .name .object -}}
name: {{ include "filmgate.fullname" .root }}{{ with $suffix }}-{{ . }}{{ end }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "filmgate.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (default dict .annotations) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Takes root, name and image. */ -}}
{{- define "filmgate.image" -}}
{{- $all := .root.Values.image -}}
{{- $repository := default (printf "%s/%s" $all.repository .name) .image.repository -}}
{{- with default $all.registry .image.registry -}}{{ . }}/{{- end -}}
{{- $repository -}}
{{- if .image.digest -}}
@{{ .image.digest }}
{{- else -}}
:{{ coalesce .image.tag $all.tag .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "filmgate.serviceAccountName" -}}
{{- if .c.serviceAccount.name -}}
{{- .c.serviceAccount.name -}}
{{- else if .c.serviceAccount.create -}}
{{- include "filmgate.fullname" .root }}-{{ .name -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- /* Secret with the certificate of a component. Takes root, name, key. */ -}}
{{- define "filmgate.tlsSecret" -}}
{{- default (printf "%s-%s-tls" (include "filmgate.fullname" .root) .name) (index .root.Values.tls.secrets .key) -}}
{{- end -}}

{{- /* Name by which the services call one another; the certificates carry it. */ -}}
{{- define "filmgate.address" -}}
{{- include "filmgate.fullname" .root }}-{{ .name }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain -}}
{{- end -}}

{{- /* Ports in a text of addresses, as a comma list: "nats://a:4222,nats://b:4223" → 4222,4223. Takes text and default. */ -}}
{{- define "filmgate.ports" -}}
{{- $ports := list -}}
{{- range splitList "," .text -}}
{{- $port := regexFind ":[0-9]+/?$" (trim .) | trimPrefix ":" | trimSuffix "/" -}}
{{- $ports = append $ports (default $.default $port) -}}
{{- end -}}
{{- uniq $ports | join "," -}}
{{- end -}}
