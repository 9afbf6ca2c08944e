# SPDX-License-Identifier: MIT
"""The library exports what exports.txt lists, and the headers declare the same.

exports.py <exports.txt> <folder of public headers> <libhail.so>
"""
import pathlib
import re
import subprocess
import sys


def listed(path):
    lines = pathlib.Path(path).read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def declared(folder):
    names = set()
    for path in pathlib.Path(folder).glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        names.update(re.findall(r"\b(hail_\w+)\(", text))
    return names


def exported(library):
    lines = subprocess.run(
        ["nm", "-D", "--defined-only", "--format=posix", library],
        check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
    return {line.split()[0] for line in lines}


def differences(names, wanted, what):
    for name in sorted(names - wanted):
        print(f"{name}: {what}, but not listed in exports.txt")
    for name in sorted(wanted - names):
        print(f"{name}: listed in exports.txt, but not {what}")
    return names != wanted


def main():
    wanted = listed(sys.argv[1])
    wrong = [
        differences(declared(sys.argv[2]), wanted, "declared in a header"),
        differences(exported(sys.argv[3]), wanted, "exported by the library"),
    ]
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
