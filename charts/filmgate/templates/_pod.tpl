{{- /* The parts of a pod that all programs share. */ -}}

{{- define "filmgate.pod.security" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .c.podSecurityContext | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "filmgate.pod.placement" -}}
{{- with .c.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .c.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .c.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .c.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $ctx := . -}}
{{- $spread := list -}}
{{- range .c.topologySpreadConstraints -}}
{{- $constraint := deepCopy . -}}
{{- if not $constraint.labelSelector -}}
{{- $_ := set $constraint "labelSelector" (dict "matchLabels" (include "filmgate.selector" $ctx | fromYaml)) -}}
{{- /* The pods of a new version are spread among themselves, not around those that go. */ -}}
{{- $_ := set $constraint "matchLabelKeys" (default (list "pod-template-hash") $constraint.matchLabelKeys) -}}
{{- end -}}
{{- $spread = append $spread $constraint -}}
{{- end -}}
{{- with $spread }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "filmgate.container.start" -}}
image: {{ include "filmgate.image" (dict "root" .root "name" (default .name .program) "image" .c.image) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- toYaml .c.securityContext | nindent 2 }}
{{- end -}}

{{- /*
A Deployment. Takes root, name, key, c, uses (what it reaches), env (its own variables) and ports (name → number; "http" has
the probes).
*/ -}}
{{- define "filmgate.deployment" -}}
{{- $parts := include "filmgate.parts" . | fromYaml -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "filmgate.metadata" (dict "root" .root "name" .name) | nindent 2 }}
spec:
  {{- if not (or .c.autoscaling.enabled (dig "keda" "enabled" false .c)) }}
  replicas: {{ .c.replicas }}
  {{- end }}
  revisionHistoryLimit: {{ .c.revisionHistoryLimit }}
  strategy:
    {{- toYaml .c.strategy | nindent 4 }}
  selector:
    matchLabels:
      {{- include "filmgate.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "filmgate.podLabels" . | nindent 8 }}
        {{- with .c.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .name }}
        {{- with merge (dict) .c.podAnnotations .root.Values.commonAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "filmgate.serviceAccountName" . }}
      {{- include "filmgate.pod.security" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ .c.terminationGracePeriodSeconds }}
      {{- with include "filmgate.pod.placement" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      containers:
        - name: {{ .name }}
          {{- include "filmgate.container.start" . | nindent 10 }}
          env:
            {{- toYaml $parts.env | nindent 12 }}
          {{- with .c.extraEnvFrom }}
          envFrom:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            {{- range $name, $number := .ports }}
            - name: {{ $name }}
              containerPort: {{ $number }}
              protocol: TCP
            {{- end }}
          startupProbe:
            httpGet: {path: /healthz, port: http}
            {{- toYaml .c.startupProbe | nindent 12 }}
          readinessProbe:
            httpGet: {path: /readyz, port: http}
            {{- toYaml .c.readinessProbe | nindent 12 }}
          livenessProbe:
            httpGet: {path: /healthz, port: http}
            {{- toYaml .c.livenessProbe | nindent 12 }}
          {{- if and .c.preStopSeconds (semverCompare ">=1.30.0-0" .root.Capabilities.KubeVersion.Version) }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ .c.preStopSeconds }}
          {{- end }}
          resources:
            {{- toYaml .c.resources | nindent 12 }}
          volumeMounts:
            {{- toYaml $parts.mounts | nindent 12 }}
      volumes:
        {{- toYaml $parts.volumes | nindent 8 }}
{{- end -}}

{{- /*
A NetworkPolicy. Takes root, name, c, uses, ingress (list of rules) and, for pods that are hooks, annotations. What goes out
follows from what the program uses.
*/ -}}
{{- define "filmgate.networkpolicy" -}}
{{- $p := .root.Values.networkPolicy -}}
{{- $egress := list (dict "to" $p.dns.to "udp" true "ports" $p.dns.ports) -}}
{{- range .uses -}}
{{- if eq . "nats" -}}
{{- $egress = append $egress (dict "to" $p.nats.to "ports" (default (include "filmgate.ports" (dict "text" $.root.Values.nats.url "default" "4222") | splitList ",") $p.nats.ports)) -}}
{{- else if eq . "s3" -}}
{{- $egress = append $egress (dict "to" $p.s3.to "ports" (default (include "filmgate.ports" (dict "text" $.root.Values.s3.endpoint "default" (ternary "443" "80" $.root.Values.s3.tls)) | splitList ",") $p.s3.ports)) -}}
{{- $identity := $.root.Values.s3.identity -}}
{{- if and $identity.enabled (default $identity.roleARN $.c.s3.roleARN) -}}
{{- $egress = append $egress (dict "to" $p.sts.to "ports" (default (include "filmgate.ports" (dict "text" $identity.stsURL "default" (ternary "80" "443" (hasPrefix "http:" $identity.stsURL))) | splitList ",") $p.sts.ports)) -}}
{{- else if $identity.enabled -}}
{{- $egress = append $egress (dict "to" $p.identityAgent.to "ports" $p.identityAgent.ports) -}}
{{- end -}}
{{- else if and (hasSuffix "-database" .) (not $.postgres) -}}
{{- $_ := set $ "postgres" true -}}
{{- $egress = append $egress (dict "to" $p.postgres.to "ports" $p.postgres.ports) -}}
{{- end -}}
{{- end -}}
{{- with .root.Values.openTelemetry.endpoint -}}
{{- $egress = append $egress (dict "to" $p.openTelemetry.to "ports" (default (include "filmgate.ports" (dict "text" . "default" (ternary "443" "4317" (hasPrefix "https" .))) | splitList ",") $p.openTelemetry.ports)) -}}
{{- end -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "filmgate.metadata" (dict "root" .root "name" .name "annotations" .annotations) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "filmgate.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- if or .ingress .c.networkPolicy.extraIngress }}
  ingress:
    {{- range .ingress }}
    - ports:
        {{- range .ports }}
        - {port: {{ . }}, protocol: TCP}
        {{- end }}
      {{- with .from }}
      from:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- with .c.networkPolicy.extraIngress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  egress:
    {{- range $egress }}
    {{- $udp := .udp }}
    - ports:
        {{- range .ports }}
        - {port: {{ . }}, protocol: TCP}
        {{- if $udp }}
        - {port: {{ . }}, protocol: UDP}
        {{- end }}
        {{- end }}
      {{- with .to }}
      to:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- range .calls }}
    - ports:
        - {port: {{ .port }}, protocol: TCP}
      to:
        - podSelector:
            matchLabels:
              {{- include "filmgate.selector" (dict "root" $.root "name" .name) | nindent 14 }}
    {{- end }}
    {{- with .c.networkPolicy.extraEgress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- /* Peers of a NetworkPolicy: other components of this release. Takes root and names. */ -}}
{{- define "filmgate.peers" -}}
{{- range .names }}
- podSelector:
    matchLabels:
      {{- include "filmgate.selector" (dict "root" $.root "name" .) | nindent 6 }}
{{- end }}
{{- end -}}

{{- /* A Service for what belongs to the cluster. Takes root, name, ports (name → number), headless, and object where the name is another. */ -}}
{{- define "filmgate.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "filmgate.metadata" (dict "root" .root "name" .name "object" .object) | nindent 2 }}
spec:
  type: ClusterIP
  {{- if .headless }}
  clusterIP: None
  {{- end }}
  selector:
    {{- include "filmgate.selector" . | nindent 4 }}
  ports:
    {{- range $name, $number := .ports }}
    - name: {{ $name }}
      port: {{ $number }}
      targetPort: {{ $name }}
      protocol: TCP
    {{- end }}
{{- end -}}
