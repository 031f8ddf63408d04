#!/usr/bin/env bash
# usage: demo.sh
# Bouncer on a kind cluster of its own, from nothing: installs it, and shows with the commands it
# runs what it does to a pod and to requests. Safe to run again; it reuses what is there.
source "$(dirname "$0")/cluster/env.sh"
cluster=bouncer-demo
bundle=examples/policy/dist/policy.tar.gz
cd "$REPO"

if [ -z "${BOUNCER_DEMO_START:-}" ]; then # once more, with the cluster up and the images on its node
  BOUNCER_DEMO_START=$(date +%s)
  export BOUNCER_DEMO_START
  exec "$CLUSTER_DIR/with.sh" "$cluster" "$REPO/e2e/demo.sh"
fi

show() { # show COMMAND: prints it as typed, runs it, indents what it says
  printf '\n$ %s\n' "$1"
  bash -o pipefail -c "$1" 2>&1 | awk '{ print "  " $0 }'
}
bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

publish="kubectl -n bouncer-system create configmap bouncer-policy --from-file=$bundle --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -"
install="helm upgrade --install bouncer-injector charts/bouncer-injector -n bouncer-system --create-namespace --wait --timeout 3m --hide-notes \\
    --set image.repository=${BOUNCER_INJECTOR_IMAGE%:*} --set-string image.tag=${BOUNCER_INJECTOR_IMAGE#*:} --set image.pullPolicy=IfNotPresent \\
    --set bouncer.image.repository=${BOUNCER_IMAGE%:*} --set-string bouncer.image.tag=${BOUNCER_IMAGE#*:} --set bouncer.image.pullPolicy=IfNotPresent \\
    --set bridge.bundleConfigMap=bouncer-policy"
namespace() { printf 'kubectl create namespace %s --dry-run=client -o yaml | kubectl apply -f -' "$1"; }

title '1. Bouncer is installed, with a policy'
show "$(namespace bouncer-system)"
show "$publish"
start=$SECONDS
show "$install"
say "==> Bouncer is installed $(elapsed $((SECONDS - start)))"

title '2. A namespace is labelled, and an application started in it'
show "$(namespace shop)"
show 'kubectl label --overwrite namespace shop bouncer-injection=enabled'
start=$SECONDS
show "sed -e s/APP_IMAGE/$BOUNCER_EXAMPLE_APP_IMAGE/ -e s/BOUNCER_IMAGE/$BOUNCER_IMAGE/ e2e/demo/orders.yaml | kubectl apply -f -"
show 'kubectl -n shop rollout status deployment/orders --timeout 120s'
show 'kubectl rollout status deployment/visitor --timeout 60s'
say "==> the application runs $(elapsed $((SECONDS - start)))"

title '3. Its manifest names one container; its pod has these'
# shellcheck disable=SC2016
show "kubectl -n shop get pods -l app=orders -o go-template='{{range .items}}{{.metadata.name}}{{\"\\n\"}}{{range .spec.initContainers}}  {{.name}}{{if .restartPolicy}} (sidecar){{else}} (init){{end}}{{\"\\n\"}}{{end}}{{range .spec.containers}}  {{.name}}{{\"\\n\"}}{{end}}{{end}}'"

order=$((RANDOM + 10000))
visit() { printf "kubectl exec deployment/visitor -- curl -sS -i -X %s -H 'authorization: Bearer bob-token' http://orders.shop/orders/%s" "$1" "$order"; }
audit="kubectl -n shop logs -l app=orders -c bouncer-sidecar --tail -1 | grep '/orders/$order'"

title '4. Bob may read an order'
show "$(visit GET)"
title '5. Bob may not delete it'
show "$(visit DELETE)"
title '6. The audit record of each'
both_recorded() { [ "$(bash -c "$audit" | wc -l)" -ge 2 ]; } # records are written in batches
until_ready 10 both_recorded
show "$audit"

cat <<TEXT
$(title 'Go on by hand')

  export KUBECONFIG=$KUBECONFIG PATH=$TOOLS:\$PATH

  $(visit GET)
  $audit

Change the policy: edit examples/policy/authz.rego or data.json, then
  make bundles
  $publish
and the running pods follow within seconds, with no restart.

  make demo-down    removes all of this
TEXT
say "==> demo $(elapsed $(($(date +%s) - BOUNCER_DEMO_START)))"
