# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# packages.sh: installs the Debian packages that are missing. For demo.sh and
# check.sh, which source it.

# Enough to build the library, the tools and the examples.
# shellcheck disable=SC2034 # used by those who source this
build_packages=(gcc libc6-dev liburing-dev meson ninja-build pkg-config)

# What the tests and benchmarks need besides.
# shellcheck disable=SC2034
check_packages=(
	binutils clang-format g++ libbenchmark-dev libcriterion-dev
	libglib2.0-dev libuv1-dev systemtap-sdt-dev
	ffmpeg iperf ncat socat sockperf
	ethtool iproute2 nftables strace util-linux
	man-db scdoc
)

is_installed() {
	local status

	status=$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) || return 1
	[ "$status" = installed ]
}

# Asks nobody and touches nothing where all of them are there.
install_packages() {
	local package missing=()

	if ! command -v apt-get >/dev/null; then
		echo "not a Debian system: assuming that these are there: $*"
		return
	fi
	for package in "$@"; do
		is_installed "$package" || missing+=("$package")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		return
	fi
	if [ "$(id -u)" -ne 0 ]; then
		echo "error: packages are missing, and only root may install" \
			"them: apt-get install ${missing[*]}" >&2
		return 1
	fi
	echo "installing ${missing[*]}"
	apt-get update -q
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
		--no-install-recommends "${missing[@]}"
}
