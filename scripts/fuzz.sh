#!/usr/bin/env bash
# Feeds made-up inputs to all that zkonnx reads, with libFuzzer: no panic, no endless loop, bounded memory.
#
#   scripts/fuzz.sh [TARGET] [SECONDS]     every target if none is named; each for 60 seconds by default
#   scripts/fuzz.sh --list
#
# Needs a C++ compiler and the program that `cargo build` makes; installs nothing. Corpora are kept in
# AIMODEL_FUZZ (default: ~/.cache/aimodel/fuzz), and begin with the examples. An input that fails is left
# in its folder artifacts/TARGET; `scripts/fuzz.sh TARGET FILE` runs it again.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly FUZZ=${AIMODEL_FUZZ:-${HOME:?}/.cache/aimodel/fuzz}
readonly CRATE=zk-circuits/fuzz
# What one input may take, besides the 100 MiB or so of libFuzzer's own.
readonly MEMORY_MIB=64
readonly SECONDS_PER_INPUT=20

usage() { sed -n '2,9s/^# \{0,1\}//p' "$0"; }
fail() { echo "fuzz.sh: $*" >&2; exit 2; }
targets() { sed -n '/^\[\[bin\]\]/{n;s/name = "\(.*\)"/\1/p}' $CRATE/Cargo.toml; }

case "${1:-}" in
	--help | -h) usage; exit 0 ;;
	--list) targets; exit 0 ;;
esac
if [ $# -gt 0 ]; then
	targets | grep -qx -- "$1" || fail "no target '$1'; there are: $(targets | tr '\n' ' ')"
	chosen=("$1")
else
	mapfile -t chosen < <(targets)
fi
limit=${2:-60}

command -v cargo >/dev/null || fail "cargo is missing: scripts/setup.sh installs it"
command -v c++ >/dev/null || fail "a C++ compiler is missing: scripts/setup.sh installs one"

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/aimodel/target}
zkonnx=$CARGO_TARGET_DIR/release/zkonnx
if [ ! -x "$zkonnx" ]; then
	fail "$zkonnx is missing, which makes the first inputs: cargo build --release -p zkonnx"
fi

# What cargo-fuzz sets, but for a sanitizer: there is no unsafe code to watch, and counting memory
# takes none. With a target named, build scripts are left as they are.
host=$(rustc -vV | sed -n 's/^host: //p')
flags=(
	-Cpasses=sancov-module
	-Cllvm-args=-sanitizer-coverage-level=4
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters
	-Cllvm-args=-sanitizer-coverage-pc-table
	-Cllvm-args=-sanitizer-coverage-trace-compares
	-Ccodegen-units=1
	--cfg fuzzing
)
(
	cd $CRATE
	RUSTFLAGS="${flags[*]}" cargo build --release --locked --target "$host" \
		--target-dir "$CARGO_TARGET_DIR/fuzz"
)
binaries=$CARGO_TARGET_DIR/fuzz/$host/release

# A part of a file: from byte $2 on, $3 bytes.
part() { head -c $(($2 + $3)) "$1" | tail -c "$3"; }

# A proving key whose five lists have one point each, from a verifying key and its proving key. The
# target mends length and checksum.
short_key() {
	local inputs size=$(stat -c %s "$1") list
	inputs=$("$zkonnx" inspect "$1" --json | sed 's/.*"public_inputs":\([0-9]*\).*/\1/')
	local points=$((size - 776 - 96 * inputs))
	head -c $((size + 2 * 96)) "$2"
	for list in g1 g1 g2 g1 g1; do
		printf '\001\000\000\000\000\000\000\000'
		case $list in
			g1) part "$2" $points 96 ;;
			g2) part "$2" $((points + 96)) 192 ;;
		esac
	done
}

# A transcript without contributions, and with one point of both lists.
short_transcript() {
	local size=$(stat -c %s "$1") lists
	lists=$(od -An -tu4 -j110 -N8 "$1" | awk '{ print 96 * ($1 + $2) }')
	head -c 110 "$1"
	printf '\001\000\000\000\001\000\000\000'
	part "$1" 118 $((size - lists - 118))
	tail -c 192 "$1"
}

# The first inputs of every target: the examples, and what the program makes of the smallest. They are
# made anew when the program has changed, since formats do.
seeds() {
	local to=$FUZZ/seeds value=00112233445566778899aabbccddeeff work
	[ "$to" -nt "$zkonnx" ] && return
	echo "fuzz.sh: making the first inputs"
	work=$(mktemp -d)
	local model=zk-circuits/tests/data/small.provable.onnx
	mkdir -p "$work"/{onnx,quantize,proof,proving_key,verifying_key,tensor,sealed,transcript,powers,import}
	cp $model examples/*/*.provable.onnx examples/*/*.onnx "$work/onnx"
	cp examples/*/*.onnx "$work/quantize"
	local example
	for example in examples/*/*.f32; do head -c 256 "$example" >"$work/tensor/$(echo "$example" | tr / -)"; done
	printf '1,2.5,-3e4\n\n0.1,nan,inf\n' >"$work/tensor/rows.csv"
	(
		exec >/dev/null
		printf '\021\310' >"$work/x.u8"
		local input output mode arguments
		for input in public committed; do
			for output in public committed; do
				mode=$input-$output
				arguments=(--input "$work/x.u8" --proof "$work/proof/$mode" --published "$work/sealed/$mode")
				"$zkonnx" setup $model --input $input --output $output --seed 1 \
					--proving-key "$work/$mode.pk" --verifying-key "$work/verifying_key/$mode"
				if [ $mode = public-public ]; then
					arguments+=(--output "$work/tensor/output")
				else
					"$zkonnx" commit $model --verifying-key "$work/verifying_key/$mode" --input "$work/x.u8" \
						--holder "$(printf '%064d' 7)" --opening "$work/$mode.opening"
					arguments+=(--opening "$work/$mode.opening" --uncompressed)
				fi
				"$zkonnx" prove $model --proving-key "$work/$mode.pk" "${arguments[@]}"
			done
		done
		"$zkonnx" hide $model --output "$work/onnx/hidden.onnx"
		"$zkonnx" setup "$work/onnx/hidden.onnx" --seed 1 --proving-key "$work/hidden.pk" \
			--verifying-key "$work/verifying_key/hidden"
		# Proving keys of one point each: there is nothing to learn from more, and each takes time.
		for mode in public-public committed-public public-committed committed-committed hidden; do
			short_key "$work/verifying_key/$mode" "$work/$mode.pk" >"$work/proving_key/$mode"
		done
		local key terms="--minimum 2 --beacon-round 7 --beacon-source dice --delay 3" number
		for number in 0 1 2; do
			key=$("$zkonnx" ceremony identity "$work/$number.key" | sed 's/.* //')
			case $number in
				0) terms+=" --coordinator $key" ;;
				*) terms+=" --participant $key" ;;
			esac
		done
		ceremony() { "$zkonnx" ceremony "$@"; }
		# A phase 1 that the model needs, and then a small one at each of its stages.
		local power file
		for power in 7 1; do
			file=$work/$power.powers
			# shellcheck disable=SC2086
			ceremony powers new "$file" --power $power $terms
			cp "$file" "$work/powers/begun"
			for number in 1 2; do
				ceremony powers contribute "$file" --identity "$work/$number.key"
				cp "$file" "$work/powers/$number"
			done
			ceremony powers beacon "$file" --round 7 --value $value
			ceremony powers finalize "$file" --identity "$work/0.key"
			cp "$file" "$work/powers/finished"
		done
		# The points alone, after 64 bytes of anything, are what the other ceremony's files hold.
		{ head -c 64 /dev/zero; tail -c $((576 * (1 << power) + 96)) "$file"; } >"$work/import/points"
		ceremony powers import "$work/import/points" "$work/powers/imported"
		local files="$model --powers $work/7.powers --transcript $work/transcript/now"
		# shellcheck disable=SC2086
		{
			ceremony new $files $terms
			short_transcript "$work/transcript/now" >"$work/transcript/begun"
			for number in 1 2; do
				ceremony contribute $files --identity "$work/$number.key"
				cp "$work/transcript/now" "$work/transcript/$number"
			done
			ceremony beacon $files --round 7 --value $value
			ceremony finalize $files --identity "$work/0.key" --proving-key "$work/ceremony.pk" \
				--verifying-key "$work/verifying_key/ceremony"
		}
		short_key "$work/verifying_key/ceremony" "$work/ceremony.pk" >"$work/proving_key/ceremony"
	)
	rm "$work"/*.*
	mkdir -p "$FUZZ"
	rm -rf "$to"
	mv "$work" "$to"
	touch "$to"
}
seeds

failed=()
for target in "${chosen[@]}"; do
	if [ -f "$limit" ]; then
		arguments=("$limit")
	else
		mkdir -p "$FUZZ/corpus/$target" "$FUZZ/artifacts/$target"
		# Short inputs find more, but the longest example must fit.
		largest=$(stat -c %s "$FUZZ/seeds/$target"/* | sort -n | tail -1)
		arguments=(
			"-max_total_time=$limit" "-max_len=$((largest < 4096 ? 4096 : largest + 256))"
			"$FUZZ/corpus/$target" "$FUZZ/seeds/$target"
		)
	fi
	echo "== $target"
	(
		ulimit -v $(((MEMORY_MIB + 192) * 1024))
		MALLOC_ARENA_MAX=1 RAYON_NUM_THREADS=1 "$binaries/$target" -timeout=$SECONDS_PER_INPUT \
			-rss_limit_mb=0 -artifact_prefix="$FUZZ/artifacts/$target/" -print_final_stats=1 \
			"${arguments[@]}"
	) || failed+=("$target")
done
[ ${#failed[@]} -eq 0 ] || { echo "fuzz.sh: failed: ${failed[*]}; see $FUZZ/artifacts" >&2; exit 1; }
