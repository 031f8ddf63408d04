{{/*
Which pods are selected, for the webhooks and the bypass policy, as injector/src/admission/decide.ts
decides. Expressions are CEL.
*/}}

{{/* The label of a namespace that names its installation. The release's own namespace is outside, so
the injector never waits for itself. */}}
{{- define "bouncer-injector.namespaceExpressions" -}}
- { key: bouncer-injection, operator: In, values: [enabled] }
{{- if .Values.revision }}
- { key: bouncer.dev/rev, operator: In, values: [{{ .Values.revision | quote }}] }
{{- else }}
- { key: bouncer.dev/rev, operator: DoesNotExist }
{{- end }}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values:
    {{- concat (list .Release.Namespace "kube-system" "kube-public" "kube-node-lease") .Values.injection.ignoredNamespaces | uniq | toYaml | nindent 4 }}
{{- end -}}

{{/* Whether the cluster has matchConditions and ValidatingAdmissionPolicy (both v1): "true" or "". */}}
{{- define "bouncer-injector.hasCel" -}}
{{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end -}}

{{/* A text as CEL has it. JSON's escapes are among CEL's. */}}
{{- define "bouncer-injector.celText" -}}
{{- toJson . -}}
{{- end -}}

{{- define "bouncer-injector.celTexts" -}}
[{{ range $index, $value := . }}{{ if $index }}, {{ end }}{{ include "bouncer-injector.celText" $value }}{{ end }}]
{{- end -}}

{{/* Whether a label selector matches the pod, in parentheses. A pod may have no labels at all. */}}
{{- define "bouncer-injector.celSelector" -}}
{{- $terms := list -}}
{{- range $key, $value := .matchLabels -}}
{{- $terms = append $terms (dict "key" $key "operator" "In" "values" (list $value)) -}}
{{- end -}}
{{- range .matchExpressions }}{{ $terms = append $terms . }}{{ end -}}
({{ range $index, $term := $terms -}}
{{- if $index }} && {{ end -}}
{{- include "bouncer-injector.celRequirement" $term -}}
{{- end }})
{{- end -}}

{{/* One requirement. NotIn and DoesNotExist are fulfilled by a label that is not there. */}}
{{- define "bouncer-injector.celRequirement" -}}
{{- $key := include "bouncer-injector.celText" .key -}}
{{- $exists := printf "has(object.metadata.labels) && %s in object.metadata.labels" $key -}}
{{- $in := printf "%s && object.metadata.labels[%s] in %s" $exists $key (include "bouncer-injector.celTexts" (.values | default list)) -}}
{{- if eq .operator "In" }}({{ $in }})
{{- else if eq .operator "NotIn" }}!({{ $in }})
{{- else if eq .operator "Exists" }}({{ $exists }})
{{- else }}!({{ $exists }})
{{- end -}}
{{- end -}}

{{/* Whether the pod says bouncer.dev/inject: "false": (list "labels" "annotations"), or one of them. */}}
{{- define "bouncer-injector.celOptsOut" -}}
({{ range $index, $where := . -}}
{{- if $index }} || {{ end -}}
(has(object.metadata.{{ $where }}) && "bouncer.dev/inject" in object.metadata.{{ $where }} && object.metadata.{{ $where }}["bouncer.dev/inject"] == "false")
{{- end }})
{{- end -}}

{{- define "bouncer-injector.celHostNetwork" -}}
(has(object.spec.hostNetwork) && object.spec.hostNetwork)
{{- end -}}

{{/* What leaves a pod out, as a JSON list of names and expressions in parentheses. (list . false): without
the opt-out label, where an objectSelector has it already. */}}
{{- define "bouncer-injector.celLeftOut" -}}
{{- $root := index . 0 -}}
{{- $injection := $root.Values.injection -}}
{{- $always := $injection.alwaysSelector -}}
{{- $leftOut := list -}}
{{- with $injection.neverSelector -}}
{{- $leftOut = append $leftOut (dict "name" "never-selected" "expression" (include "bouncer-injector.celSelector" .)) -}}
{{- end -}}
{{- if $injection.allowOptOut -}}
{{- $optsOut := include "bouncer-injector.celOptsOut" (ternary (list "labels" "annotations") (list "annotations") (index . 1)) -}}
{{- with $always }}{{ $optsOut = printf "(%s && !%s)" $optsOut (include "bouncer-injector.celSelector" .) }}{{ end -}}
{{- $leftOut = append $leftOut (dict "name" "opted-out" "expression" $optsOut) -}}
{{- end -}}
{{- if eq $injection.hostNetwork "skip" -}}
{{- $leftOut = append $leftOut (dict "name" "on-the-host-network" "expression" (include "bouncer-injector.celHostNetwork" $root)) -}}
{{- end -}}
{{- toJson $leftOut -}}
{{- end -}}
