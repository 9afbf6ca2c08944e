#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check.sh: installs what is missing, builds hail twice, plainly and with the
# address and undefined-behaviour sanitizers, and runs all tests on both, with
# short runs of the benchmarks on the plain one. The last line tells the sum.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/packages.sh
. tools/packages.sh

# Where nft, tc and ip are; not every root shell looks there.
PATH=$PATH:/usr/sbin:/sbin
passed=0 failed=0 skipped=0

fail() {
	echo "FAILED: $*" >&2
	failed=$((failed + 1))
}

# Adds the cases of a finished run to the sum.
tally() {
	local logs=build-check/$1/meson-logs counts

	if ! counts=$(python3 tools/tally.py "$logs"); then
		fail "$1: the log of the tests can't be read"
		return
	fi
	read -r p f s <<<"$counts"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	echo "== $1: $p passed, $f failed, $s skipped"
}

# check NAME SETUP_OPTION... -- TEST_OPTION...
check() {
	local name=$1 setup=() before=$failed
	shift
	while [ "$1" != -- ]; do
		setup+=("$1")
		shift
	done
	shift

	echo "== $name: build"
	if ! meson setup "build-check/$name" -Dwerror=true -Dtests=enabled \
		"${setup[@]}" || ! ninja -C "build-check/$name" -k 0; then
		fail "$name: the build"
		return
	fi
	echo "== $name: tests"
	if meson test -C "build-check/$name" --no-rebuild --print-errorlogs \
		"$@"; then
		tally "$name"
		return
	fi
	tally "$name"
	# Whatever the log says, the runner has seen a failure.
	[ "$failed" -gt "$before" ] || fail "$name: the tests"
}

echo "== packages"
install_packages "${build_packages[@]}" "${check_packages[@]}"

rm -rf build-check
check plain -Dbenchmarks=enabled --
# The benchmarks and the installation would say the same again.
check sanitize -Db_sanitize=address,undefined -Dbenchmarks=disabled -- \
	--setup sanitize --no-suite bench-smoke --no-suite install

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
