{{- define "bouncer-injector.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/*
Name of everything, also of what belongs to no namespace: releases of one namespace have different
names, those of different namespaces different revisions. Room is left for the suffixes of the bridge
and the test; what has to be cut keeps a hash of what it was.
*/}}
{{- define "bouncer-injector.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "bouncer-injector.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- with .Values.revision -}}
{{- $suffix := printf "-%s" . -}}
{{- $full = ternary $full (printf "%s%s" $full $suffix) (hasSuffix $suffix $full) -}}
{{- end -}}
{{- if gt (len $full) 50 -}}
{{- $full = printf "%s-%s" ($full | trunc 41 | trimSuffix "-") ($full | sha256sum | trunc 8) -}}
{{- end -}}
{{- $full -}}
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

{{- define "bouncer-injector.leaseName" -}}
{{- include "bouncer-injector.fullname" . -}}
{{- end -}}

{{- define "bouncer-injector.bypassPolicyName" -}}
{{- include "bouncer-injector.fullname" . }}-bypass
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
bouncer.dev/revision: {{ $root.Values.revision | quote }}
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
{{- $injection := .Values.injection -}}
{{- $host := printf "%s.%s.svc:8443" (include "bouncer-injector.bridgeName" .) .Release.Namespace -}}
{{- $bundleUrl := ternary (printf "https://%s/bundles/%s" $host .Values.bridge.bundle) "" .Values.bridge.enabled -}}
{{- $syncUrl := ternary (printf "wss://%s/v1/sync" $host) "" .Values.bridge.enabled -}}
{{- $policy := dict
  "decisionPath" $bouncer.policy.decisionPath
  "bundleUrl" ($bouncer.policy.bundleUrl | default $bundleUrl)
  "syncUrl" ($bouncer.policy.syncUrl | default $syncUrl)
  "syncCa" $bouncer.policy.syncCa
  "verification" $bouncer.policy.verification
  "refuseOlder" $bouncer.policy.refuseOlder
  "persist" $bouncer.policy.persist
  "evaluation" $bouncer.policy.evaluation
  "decisionTimeoutMs" $bouncer.policy.decisionTimeoutMs
  "http" $bouncer.policy.http
-}}
{{- $image := printf "%s:%s" $bouncer.image.repository ($bouncer.image.tag | default .Chart.AppVersion) -}}
{{- dict
  "image" $image
  "imagePullPolicy" $bouncer.image.pullPolicy
  "imagePullSecrets" $bouncer.imagePullSecrets
  "preset" $bouncer.preset
  "presets" $bouncer.presets
  "mode" $bouncer.mode
  "nativeSidecar" $bouncer.nativeSidecar
  "revision" .Values.revision
  "allowOptOut" $injection.allowOptOut
  "alwaysSelector" $injection.alwaysSelector
  "neverSelector" $injection.neverSelector
  "hostNetwork" $injection.hostNetwork
  "allowedPodAnnotations" $injection.allowedPodAnnotations
  "ignoredNamespaces" $injection.ignoredNamespaces
  "unlistedPorts" $bouncer.unlistedPorts
  "excludedPorts" $bouncer.excludedPorts
  "excludedSourceCidrs" $bouncer.excludedSourceCidrs
  "degradedRoutes" $bouncer.degradedRoutes
  "shadow" $bouncer.shadow
  "policy" (include "bouncer-injector.withoutEmpty" $policy | fromYaml)
  "cacheTtl" $bouncer.cacheTtl
  "drainDelaySeconds" $bouncer.drainDelaySeconds
  "logLevel" $bouncer.logLevel
  "logFormat" $bouncer.logFormat
  "audit" (include "bouncer-injector.withoutEmpty" $bouncer.audit | fromYaml)
  "trustedProxies" $bouncer.trustedProxies
  "via" $bouncer.via
  "longLivedStreams" $bouncer.longLivedStreams
  "threads" $bouncer.threads
  "extraEnv" $bouncer.extraEnv
  | include "bouncer-injector.withoutEmpty" -}}
{{- end -}}

{{/* A map without what is null or an empty text, list or map; false and 0 say something. */}}
{{- define "bouncer-injector.withoutEmpty" -}}
{{- $kept := dict -}}
{{- range $key, $value := . -}}
{{- if or $value (has (kindOf $value) (list "bool" "int" "int64" "float64")) }}{{ $_ := set $kept $key $value }}{{ end -}}
{{- end -}}
{{- toYaml $kept -}}
{{- end -}}
