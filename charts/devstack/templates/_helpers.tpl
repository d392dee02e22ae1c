{{- define "devstack.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "devstack.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end -}}

{{- define "devstack.metadata" -}}
name: {{ default (printf "%s-%s" (include "devstack.fullname" .root) .name) .object }}
namespace: {{ .root.Release.Namespace }}
labels:
  helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
  {{- include "devstack.selector" . | nindent 2 }}
  app.kubernetes.io/part-of: filmgate-devstack
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{- /* A pod that Pod Security's `restricted` admits. Takes root and user. */ -}}
{{- define "devstack.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "devstack.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- define "devstack.claim" -}}
{{- if .root.Values.persistent -}}
volumeClaimTemplates:
  - metadata:
      name: data
      labels:
        {{- include "devstack.selector" . | nindent 8 }}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .root.Values.storageClassName }}
      storageClassName: {{ . }}
      {{- end }}
      resources:
        requests:
          storage: {{ .storage }}
{{- end -}}
{{- end -}}

{{- /* The volume of a pod whose data may be lost. */ -}}
{{- define "devstack.scratch" -}}
{{- if not .root.Values.persistent -}}
- name: data
  emptyDir:
    sizeLimit: {{ .storage }}
{{- end -}}
{{- end -}}

{{- /* A Service that leads to an address outside the cluster. Takes root, name, address, port and portName. */ -}}
{{- define "devstack.external" -}}
{{- $host := regexReplaceAll ":[0-9]+$" .address "" | trimPrefix "[" | trimSuffix "]" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "devstack.metadata" . | nindent 2 }}
spec:
  ports:
    - name: {{ .portName }}
      port: {{ .port }}
      targetPort: {{ regexFind "[0-9]+$" .address }}
      protocol: TCP
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  {{- $metadata := include "devstack.metadata" . | fromYaml }}
  {{- $_ := set $metadata.labels "kubernetes.io/service-name" $metadata.name }}
  {{- toYaml $metadata | nindent 2 }}
addressType: {{ contains ":" $host | ternary "IPv6" "IPv4" }}
ports:
  - name: {{ .portName }}
    port: {{ regexFind "[0-9]+$" .address }}
    protocol: TCP
endpoints:
  - addresses: [{{ $host | quote }}]
    conditions:
      ready: true
{{- end -}}

{{- /* A NetworkPolicy with its first rule; more may follow. Takes root, name, port, components of Filmgate, and from (further peers). */ -}}
{{- define "devstack.networkpolicy" }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "devstack.metadata" (dict "root" .root "name" .name) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "devstack.selector" (dict "root" .root "name" .name) | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports:
        - {port: {{ .port }}, protocol: TCP}
      from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/part-of: filmgate
              app.kubernetes.io/instance: {{ .root.Values.filmgate.release }}
            matchExpressions:
              - key: app.kubernetes.io/component
                operator: In
                values: [{{ join ", " .components }}]
        {{- with .from }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- end -}}
