#!/usr/bin/env bash
# Makes a fresh checkout ready to build and test: system packages, the Rust toolchain, ONNX Runtime, the JS packages.
# Run it as often as you like: it does only what is missing, and says nothing when nothing is.
#
#   scripts/setup.sh
#
# AIMODEL_CACHE  folder that several checkouts share for downloads (default: ~/.cache/aimodel)

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly ORT_VERSION=1.28.0
readonly ORT_LIBRARY=libonnxruntime.so.$ORT_VERSION
readonly ORT_LIBRARY_SHA256=aa4079d18f4ea7a5f3a94d80cd4bbe0f2740436626622d64d793803a20381083
readonly ORT_LICENCES=(LICENSE ThirdPartyNotices.txt)
readonly ORT_FOLDER=.onnxruntime
readonly ORT_CACHE=${AIMODEL_CACHE:-${HOME:?}/.cache/aimodel}/onnxruntime/$ORT_VERSION
readonly NODE_MAJOR=18

done_something=false
temporary=()

say() {
	echo "setup: $*"
	done_something=true
}

fail() {
	printf 'setup: %s\n' "$@" >&2
	exit 1
}

clean_up() {
	rm -rf -- "${temporary[@]}"
}
trap clean_up EXIT

# --- system packages ---------------------------------------------------------------------------------------------

has() {
	command -v "$1" >/dev/null
}

has_node() {
	has node && node -e "process.exit(parseInt(process.versions.node) >= $NODE_MAJOR ? 0 : 1)"
}

# The Debian packages whose programs are not there, one per line.
missing_packages() {
	has protoc || echo protobuf-compiler
	{ has gcc && has g++ && has make; } || echo build-essential
	# The vendored OpenSSL is configured by a script that needs more than Debian's perl-base.
	{ has perl && perl -MFindBin -MIPC::Cmd -e 1 2>/dev/null; } || echo perl
	has pkg-config || echo pkg-config
	# scripts/bench.sh serve drives the gateway with it.
	has wrk || echo wrk
	# Its promtool checks the dashboard and the alerts.
	has promtool || echo prometheus
	has_node || echo nodejs
	has npm || echo npm
	# For fetching the library, and for the client that drives the gateway.
	has python3 || echo python3
	{ has python3 && python3 -m pip --version >/dev/null 2>&1; } || echo python3-pip
}

system_packages() {
	local missing
	mapfile -t missing < <(missing_packages)
	((${#missing[@]})) || return 0

	local install="apt-get install -y --no-install-recommends ${missing[*]}"
	if ((EUID != 0)) || ! has apt-get; then
		fail "missing: ${missing[*]}" \
			"on Debian or Ubuntu, as root: apt-get update && $install" \
			"elsewhere, install the same programs (nodejs: version $NODE_MAJOR or later); then run this script again."
	fi
	echo "setup: installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq >/dev/null && $install -qq >/dev/null || fail "this failed: apt-get update && $install"
	hash -r
	mapfile -t missing < <(missing_packages)
	((${#missing[@]} == 0)) || fail "still missing after $install: ${missing[*]}" "(nodejs must be $NODE_MAJOR or later)"
	say "system packages installed"
}

# --- Rust toolchain ----------------------------------------------------------------------------------------------

# The strings of one entry of rust-toolchain.toml, one per line.
toolchain_entry() {
	sed -n "s/^$1 *= *//p" rust-toolchain.toml | grep -o '"[^"]*"' | tr -d '"'
}

rust_toolchain() {
	PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
	has rustup || fail "missing: rustup, which installs Rust. See https://rustup.rs, then run this script again."

	local channel components targets item options=()
	channel=$(toolchain_entry channel)
	mapfile -t components < <(toolchain_entry components)
	mapfile -t targets < <(toolchain_entry targets)
	for item in "${components[@]}"; do options+=(--component "$item"); done
	for item in "${targets[@]}"; do options+=(--target "$item"); done

	if ! toolchain_ready; then
		rustup toolchain install "$channel" --profile minimal --no-self-update "${options[@]}"
		say "Rust $channel with ${components[*]} ${targets[*]}"
	fi
}

toolchain_ready() {
	rustup toolchain list | grep -q "^$channel\(-\| \|$\)" || return 1
	local item installed
	# A component of one host carries its name as a suffix: clippy-x86_64-unknown-linux-gnu.
	installed=$(rustup component list --installed --toolchain "$channel")
	for item in "${components[@]}"; do grep -q "^$item\(-\|$\)" <<<"$installed" || return 1; done
	installed=$(rustup target list --installed --toolchain "$channel")
	for item in "${targets[@]}"; do grep -qx "$item" <<<"$installed" || return 1; done
}

# --- ONNX Runtime ------------------------------------------------------------------------------------------------

# Whether folder $1 holds the library, with the right hash, and its licences.
library_ready() {
	local file
	for file in "${ORT_LICENCES[@]}"; do [[ -s $1/$file ]] || return 1; done
	[[ -f $1/$ORT_LIBRARY ]] || return 1
	echo "$ORT_LIBRARY_SHA256  $1/$ORT_LIBRARY" | sha256sum --check --status
}

# Sets `staging` to a new folder inside folder $1, so that what is made there moves to $1 by a rename.
stage_in() {
	mkdir -p "$1"
	staging=$(mktemp -d "$1/tmp.XXXXXXXX")
	temporary+=("$staging")
}

# Moves a complete library from `staging` to folder $1, the library last.
publish_to() {
	library_ready "$staging" || fail "$ORT_LIBRARY is not the expected file (sha256 $ORT_LIBRARY_SHA256)"
	local file
	for file in "${ORT_LICENCES[@]}" "$ORT_LIBRARY"; do mv -f -- "$staging/$file" "$1/$file"; done
	rm -rf -- "$staging"
}

fetch_library() {
	stage_in "$ORT_CACHE"
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
		--implementation cp --python-version 311 --abi cp311 --platform manylinux_2_28_x86_64 \
		--require-hashes --requirement scripts/onnxruntime.txt --dest "$staging" ||
		fail "could not fetch the wheel named in scripts/onnxruntime.txt"
	python3 - "$staging" "$ORT_LIBRARY" "${ORT_LICENCES[@]}" <<-'PYTHON'
		import sys, zipfile
		from pathlib import Path

		folder, library, *licences = sys.argv[1:]
		(wheel,) = Path(folder).glob("*.whl")
		with zipfile.ZipFile(wheel) as archive:
		    for member in [f"capi/{library}", *licences]:
		        content = archive.read(f"onnxruntime/{member}")
		        (Path(folder) / Path(member).name).write_bytes(content)
	PYTHON
	publish_to "$ORT_CACHE"
	say "ONNX Runtime $ORT_VERSION fetched"
}

onnx_runtime() {
	library_ready "$ORT_FOLDER" && return 0
	library_ready "$ORT_CACHE" || fetch_library
	# A copy and no hard link: what happens to one checkout stays there.
	stage_in "$ORT_FOLDER"
	cp -- "${ORT_LICENCES[@]/#/$ORT_CACHE/}" "$ORT_CACHE/$ORT_LIBRARY" "$staging"
	publish_to "$ORT_FOLDER"
	say "ONNX Runtime $ORT_VERSION placed in $ORT_FOLDER/"
}

# --- JS packages -------------------------------------------------------------------------------------------------

js_packages() {
	local folder=scripts/js
	[[ -f $folder/node_modules/.package-lock.json &&
		! $folder/package-lock.json -nt $folder/node_modules/.package-lock.json ]] && return 0
	# No package of ours needs an install script, so none may run one.
	(cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null)
	say "JS packages of $folder installed"
}

# -----------------------------------------------------------------------------------------------------------------

[[ $(uname -s) == Linux && $(uname -m) == x86_64 ]] ||
	fail "supported for now: x86_64 Linux (this is $(uname -m) $(uname -s)); the pinned ONNX Runtime is built for nothing else."

system_packages
rust_toolchain
onnx_runtime
js_packages
if $done_something; then echo "setup: ready"; fi
