#!/usr/bin/env bash
# Sets up what is missing and runs everything: formatting, clippy, unit tests, doc tests, and the
# end-to-end tests against a real node, and a client of others against the gateway.
#
#   scripts/test.sh            all of it
#   scripts/test.sh --long     also compiles the benchmarks and the try-runtime hooks
set -euo pipefail
cd "$(dirname "$0")/.."

long=false
for argument in "$@"; do
	case "$argument" in
		--long) long=true ;;
		--help | -h) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
		*) echo "test.sh: unknown option '$argument'; try --help" >&2; exit 2 ;;
	esac
done

# The target folder lies outside the checkout, so that the next checkout finds it warm.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/aimodel/target}"
export ORT_DISABLE_TELEMETRY=1
# A skipped Wasm build would embed a stale runtime in the node.
unset SKIP_WASM_BUILD

# One selection everywhere, or hundreds of crates are built again for another feature set.
all=(--release --workspace --all-targets --locked)

started=$SECONDS
step() { printf '\n== %s (after %d s)\n' "$1" "$((SECONDS - started))"; }

step "set up"
./scripts/setup.sh

step "formatting"
cargo fmt --all --check

step "build"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo build "${all[@]}" 2>&1 | tee "$log"
if grep -q 'Could not find `Cargo.lock`' "$log"; then
	echo "test.sh: the Wasm runtime was built without Cargo.lock; see .cargo/config.toml" >&2
	exit 1
fi

step "clippy"
cargo clippy "${all[@]}" -- -D warnings

step "unit tests"
cargo test "${all[@]}"

step "doc tests"
cargo test --release --workspace --locked --doc

step "end-to-end tests"
(cd scripts/js && npm test)

step "the gateway and tritonclient, the dashboard and Grafana's types"
# Installed once for each version of the list.
packages=$CARGO_TARGET_DIR/python-$(sha256sum scripts/serve/requirements.txt | cut -c1-12)
if [[ ! -d $packages ]]; then
	rm -rf "$packages.new"
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --only-binary=:all: \
		--require-hashes --target "$packages.new" --requirement scripts/serve/requirements.txt
	mv "$packages.new" "$packages"
fi
PYTHONPATH=$packages python3 scripts/serve/test_tritonclient.py
PYTHONPATH=$packages python3 scripts/serve/test_dashboard.py

if $long; then
	step "benchmarks and try-runtime compile"
	SKIP_WASM_BUILD=1 cargo check --release --locked -p aimodel-runtime \
		--features runtime-benchmarks,try-runtime
fi

step "done"
