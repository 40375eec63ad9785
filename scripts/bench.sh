#!/usr/bin/env bash
# Measures on this machine what docs/benchmarks.md records. Medians; leave the machine alone meanwhile.
#
#   scripts/bench.sh [prove] [verify] [settle] [blocks] [serve] [OPTION]...     (all if none is named)
#
#   prove    keys and proofs of four networks, against plain arkworks in the same run
#   verify   one verification inside the runtime, decoding and subgroup checks included
#   settle   from request to settlement, in blocks and seconds, on a chain of one-second blocks
#   blocks   blocks that are full of proven results
#   serve    inferences over HTTP from a worker's node, by wrk
#
#   --json       prints an object a row
#   --peers      also proves the same networks with EZKL, which it installs beside what is built. LeNet-5 takes
#                EZKL minutes and 11 GB. serve drives MLServer too
#   --long       serve: ten minutes at 80 % of the peak, and an hour of mixed load
#   --only TEXT  proves the networks only whose names contain this
#   --scaling    proves synthetic networks of 10^3 to 10^6 constraints instead
set -euo pipefail
cd "$(dirname "$0")/.."

case " $* " in *" --help "* | *" -h "*) sed -n '2,18s/^# \{0,1\}//p' "$0"; exit 0 ;; esac

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/aimodel/target}"
export ORT_DISABLE_TELEMETRY=1
unset SKIP_WASM_BUILD
./scripts/setup.sh >&2
cargo build --release --workspace --all-targets --locked >&2
exec node scripts/js/bench.js "$@"
