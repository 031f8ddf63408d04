{{- define "bouncer-injector.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Room is left for the suffixes of the bridge and the test. */}}
{{- define "bouncer-injector.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "bouncer-injector.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "bouncer-injector.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "bouncer-injector.bridgeName" -}}
{{- include "bouncer-injector.fullname" . }}-bridge
{{- end -}}

{{- define "bouncer-injector.tlsSecret" -}}
{{- include "bouncer-injector.fullname" . }}-tls
{{- end -}}

{{- define "bouncer-injector.bridgeTlsSecret" -}}
{{- include "bouncer-injector.fullname" . }}-bridge-tls
{{- end -}}

{{- define "bouncer-injector.settingsName" -}}
{{- include "bouncer-injector.fullname" . }}-settings
{{- end -}}

{{- define "bouncer-injector.testName" -}}
{{- include "bouncer-injector.fullname" . }}-test
{{- end -}}

{{- define "bouncer-injector.bundleConfigMap" -}}
{{- .Values.bridge.bundleConfigMap | default (printf "%s-policy" (include "bouncer-injector.fullname" .)) -}}
{{- end -}}

{{- define "bouncer-injector.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* Call with (list . "injector"). */}}
{{- define "bouncer-injector.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "bouncer-injector.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "bouncer-injector.labels" -}}
{{- $root := index . 0 -}}
{{ include "bouncer-injector.selectorLabels" . }}
app.kubernetes.io/part-of: bouncer
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_") }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* name, namespace, labels and annotations of an object: (list . "component" "name"). */}}
{{- define "bouncer-injector.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
{{ include "bouncer-injector.clusterMetadata" (list $root (index . 1)) }}
{{- end -}}

{{/* The same without name and namespace. */}}
{{- define "bouncer-injector.clusterMetadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "bouncer-injector.labels" (list $root (index . 1)) | nindent 2 }}
{{- with $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Pod Security "restricted". */}}
{{- define "bouncer-injector.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "bouncer-injector.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Spread over nodes and zones as far as there are any: (list . "component"). */}}
{{- define "bouncer-injector.topologySpread" -}}
{{- $arguments := . -}}
{{- range $index, $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" -}}
{{- if $index }}{{ "\n" }}{{ end -}}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "bouncer-injector.selectorLabels" $arguments | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* Where pods are placed; call with the values of the component. */}}
{{- define "bouncer-injector.placement" -}}
{{- $placement := dict -}}
{{- range $key := list "priorityClassName" "nodeSelector" "tolerations" "affinity" -}}
{{- with index $ $key }}{{ $_ := set $placement $key . }}{{ end -}}
{{- end -}}
{{- if $placement }}{{ toYaml $placement }}{{ end -}}
{{- end -}}

{{- define "bouncer-injector.imagePullSecrets" -}}
{{- with .Values.imagePullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The settings file (injector/src/settings.ts). What is empty is left to its default there. */}}
{{- define "bouncer-injector.settings" -}}
{{- $bouncer := .Values.bouncer -}}
{{- $policy := dict "decisionPath" $bouncer.policy.decisionPath -}}
{{- $host := printf "%s.%s.svc:8443" (include "bouncer-injector.bridgeName" .) .Release.Namespace -}}
{{- $bundleUrl := ternary (printf "https://%s/bundles/%s" $host .Values.bridge.bundle) "" .Values.bridge.enabled -}}
{{- $syncUrl := ternary (printf "wss://%s/v1/sync" $host) "" .Values.bridge.enabled -}}
{{- with $bouncer.policy.bundleUrl | default $bundleUrl }}{{ $_ := set $policy "bundleUrl" . }}{{ end -}}
{{- with $bouncer.policy.syncUrl | default $syncUrl }}{{ $_ := set $policy "syncUrl" . }}{{ end -}}
{{- with $bouncer.policy.syncCa }}{{ $_ := set $policy "syncCa" . }}{{ end -}}
{{- with $bouncer.policy.verification }}{{ $_ := set $policy "verification" . }}{{ end -}}
{{- $image := printf "%s:%s" $bouncer.image.repository ($bouncer.image.tag | default .Chart.AppVersion) -}}
{{- dict
  "image" $image
  "imagePullPolicy" $bouncer.image.pullPolicy
  "imagePullSecrets" $bouncer.imagePullSecrets
  "preset" $bouncer.preset
  "presets" $bouncer.presets
  "nativeSidecar" $bouncer.nativeSidecar
  "allowOptOut" .Values.injection.allowOptOut
  "unlistedPorts" $bouncer.unlistedPorts
  "ignoredNamespaces" .Values.injection.ignoredNamespaces
  "policy" $policy
  "cacheTtl" $bouncer.cacheTtl
  "drainDelaySeconds" $bouncer.drainDelaySeconds
  "logLevel" $bouncer.logLevel
  "logFormat" $bouncer.logFormat
  "audit" $bouncer.audit
  "trustedProxies" $bouncer.trustedProxies
  "extraEnv" $bouncer.extraEnv
  | toYaml -}}
{{- end -}}
