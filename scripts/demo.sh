#!/usr/bin/env bash
# Shows the whole road: deploys a model that reads handwritten digits on a chain of its own, buys
# inferences for real test images, and prints who was paid what, against which proof.
#
#   scripts/demo.sh [--images N] [--keep]
#
# --images N  how many images to buy an answer for, 1 to 450 (default: 5)
# --keep      leave the node running, and say how to connect polkadot.js
#
# The first run sets up what is missing and builds, which takes half an hour on two cores; a second
# one takes seconds.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly SELF=scripts/demo.sh

images=5
arguments=()
while (($#)); do
	case $1 in
		--images)
			images=${2:-}
			shift
			;;
		--images=*) images=${1#*=} ;;
		--keep) arguments+=(--keep) ;;
		-h | --help)
			sed -n '2,/^$/s/^# \{0,1\}//p' "$SELF"
			exit 0
			;;
		*)
			echo "demo: $1 is not known; --help says what is" >&2
			exit 2
			;;
	esac
	shift || break
done
[[ $images =~ ^[1-9][0-9]{0,2}$ ]] && ((images <= 450)) || {
	echo "demo: --images takes a number from 1 to 450" >&2
	exit 2
}

scripts/setup.sh
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/aimodel/target}
# A runtime that an earlier build left behind would be embedded.
unset SKIP_WASM_BUILD

# The same selection as the tests have, so that nothing is built twice. Cargo shows its progress
# where it has a terminal; elsewhere a line a minute says that it goes on.
build() {
	local log started=$SECONDS
	if [[ -t 2 ]]; then
		cargo build --release --workspace --all-targets --locked
		return
	fi
	log=$(mktemp)
	cargo build --release --workspace --all-targets --locked >"$log" 2>&1 &
	local cargo=$! seconds=0
	trap 'kill "$cargo" 2>/dev/null || true' EXIT
	while kill -0 "$cargo" 2>/dev/null; do
		sleep 1
		seconds=$((seconds + 1))
		((seconds % 60)) || echo "demo: building for $((seconds / 60)) min: $(grep -c Compiling "$log" || true) crates, now$(tail -n1 "$log" | cut -c1-60)"
	done
	trap - EXIT
	if ! wait "$cargo"; then
		cat "$log" >&2
		rm -f "$log"
		echo "demo: the build failed after $((SECONDS - started)) s" >&2
		return 1
	fi
	rm -f "$log"
}

echo "demo: building"
build
echo "demo: built in $SECONDS s"

# It starts the node, and ends it: see scripts/js/src/node.js.
exec node scripts/js/demo.js --images "$images" "${arguments[@]}"
