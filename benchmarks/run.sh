#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh: runs every benchmark for real and prints the tables of
# docs/BENCHMARKS.md, ready to paste. Takes about five minutes.
#
#   benchmarks/run.sh [BUILD_DIRECTORY [OPTION...]]
#
# Without a build directory it makes an optimised one under /tmp. Options, such
# as --rounds=1000 or --short, go to every program.
set -eu

source_dir=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
build=${1:-}
[ $# -eq 0 ] || shift

if [ -z "$build" ]; then
	build=$(mktemp -d /tmp/hail-benchmarks.XXXXXX)
	trap 'rm -rf "$build"' EXIT
	meson setup --buildtype=release -Dbenchmarks=enabled \
		"$build" "$source_dir" >&2
fi
# Of a build directory that is given only what is needed is built, as it is
# set up: figures from a build without optimisation say nothing.
ninja -C "$build" >&2

busy() {
	cut -d ' ' -f 1 /proc/loadavg
}

status=0
before=$(busy)
for part in send receive pingpong memory; do
	program=$build/benchmarks/bench_$part
	if [ ! -x "$program" ]; then
		echo "run.sh: there is no $program" >&2
		status=1
		continue
	fi
	printf '### %s\n\n' "$part"
	"$program" --markdown "$@" || status=$?
done
printf 'Load average before: %s, after: %s (1 is this run itself).\n' \
	"$before" "$(busy)"
exit "$status"
