#!/bin/sh
# Builds the example policy into a bundle: build.sh [OUTPUT [REVISION]]
#
# The same sources and revision give the same bytes: opa dates every file 1970 and writes no time
# into the gzip header; it does write the paths of its sources into the module, hence the cd.
# -b keeps the .manifest, with the roots and what it declares to the bouncer.
set -eu

output=${1:-dist/policy.tar.gz}
revision=${2:-}
case $output in
/*) ;;
*) if [ $# -gt 0 ]; then output=$PWD/$output; fi ;;
esac
cd "$(dirname "$0")"
mkdir -p "$(dirname "$output")"

command -v opa >/dev/null || {
	echo 'Cannot build the example policy: opa is not on the PATH; run `make tools`' >&2
	exit 1
}
opa test authz.rego authz_test.rego data.json
opa build -b -t wasm -e envoy/authz/allow -o "$output" \
	--ignore '*_test.rego' --ignore '*.sh' --ignore dist \
	${revision:+--revision "$revision"} .
