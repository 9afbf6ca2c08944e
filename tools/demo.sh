#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# demo.sh: installs what is missing to build hail, builds it in build-demo/ and
# runs hail-bench, which shows what it does on this machine. Its arguments are
# hail-bench's.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/packages.sh
. tools/packages.sh

echo "== packages"
install_packages "${build_packages[@]}"

echo "== build"
# A set-up that was interrupted leaves a folder that can't be built.
[ -f build-demo/build.ninja ] || rm -rf build-demo
[ -d build-demo ] || meson setup build-demo --buildtype=release \
	-Dtests=disabled -Dbenchmarks=disabled
ninja -C build-demo

echo "== hail-bench"
exec build-demo/tools/hail-bench "$@"
