# SPDX-License-Identifier: MIT
"""Holds the rules of CONTRIBUTING.md.

tidy.py [--format] <root>: prints each breach as file:line: text and exits 1.
With --format it asks clang-format instead, and exits 77 (skipped) where that
isn't installed.
"""
import os
import pathlib
import shutil
import subprocess
import sys

import rules
from source import Source

FOLDERS = ["include", "lib", "tests", "tools", "examples", "benchmarks"]
C_SUFFIXES = [".c", ".h", ".cc"]
SUFFIXES = C_SUFFIXES + [".py", ".sh"]
NAMES = ["meson.build"]


def files(root, suffixes, names):
    for folder in FOLDERS:
        for parent, _, entries in os.walk(root / folder):
            for entry in sorted(entries):
                path = pathlib.Path(parent, entry)
                if path.suffix in suffixes or entry in names:
                    yield path


def breaches(root):
    sources = [Source(root, path) for path in files(root, SUFFIXES, NAMES)]
    for source in sources:
        for rule in rules.RULES:
            for number, text in rule(source):
                yield f"{source.name}:{number}: {text}"
    for source, number, text in rules.usual_length(sources):
        yield f"{source.name}:{number}: {text}"


def check_rules(root):
    found = list(breaches(root))
    for text in found:
        print(text)
    return 1 if found else 0


def check_format(root):
    if not shutil.which("clang-format"):
        print("skipped: clang-format isn't installed")
        return 77
    paths = [str(path) for path in files(root, C_SUFFIXES, [])]
    result = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", "--style=file", *paths])
    return 1 if result.returncode else 0


def main():
    arguments = sys.argv[1:]
    check = check_rules
    if arguments[:1] == ["--format"]:
        check = check_format
        arguments = arguments[1:]
    return check(pathlib.Path(arguments[0]).resolve())


if __name__ == "__main__":
    sys.exit(main())
