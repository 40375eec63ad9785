#!/usr/bin/env bash
# Measures the weights of our pallets on this machine and writes them into their weights.rs. Our own
# node runs the benchmarks, since only it knows our host functions.
#
#   scripts/bench-weights.sh [--steps N] [--repeat N]     (default: 20 steps, 10 repeats)
#
# Building the benchmarking node takes half an hour the first time.
set -euo pipefail
cd "$(dirname "$0")/.."

steps=20 repeat=10
while (($#)); do
	case "$1" in
		--steps) steps=$2; shift 2 ;;
		--repeat) repeat=$2; shift 2 ;;
		--help | -h) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
		*) echo "bench-weights.sh: unknown option '$1'; try --help" >&2; exit 2 ;;
	esac
done

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/aimodel/target}"
unset SKIP_WASM_BUILD
./scripts/setup.sh
# The command line for benchmarks brings a test runtime that can not be built outside its own
# workspace, and that only `benchmark storage` uses.
export SKIP_FRAME_STORAGE_ACCESS_TEST_RUNTIME_WASM_BUILD=1
# A folder of its own: both feature sets would write the same runtime blob.
benchmark_dir="$CARGO_TARGET_DIR/benchmarks"
CARGO_TARGET_DIR="$benchmark_dir" cargo build --release --locked \
	-p aimodel-node --features runtime-benchmarks

for pallet in aimodel workers zk-verifier; do
	"$benchmark_dir/release/aimodel-node" benchmark pallet --chain dev \
		--pallet "pallet_${pallet//-/_}" --extrinsic '*' \
		--steps "$steps" --repeat "$repeat" --heap-pages 4096 \
		--template scripts/weights.hbs --output "pallets/$pallet/src/weights.rs"
done
cargo fmt --all
