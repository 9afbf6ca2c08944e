# SPDX-License-Identifier: MIT
"""Each row of docs/BUN.md names its cases, and each case here has its row.

named.py <source root>
"""
import pathlib
import re
import sys

FOLDER = "tests/bun"
DOCUMENT = "docs/BUN.md"
CASE = re.compile(r"^Test\(bun_(\w+),\s*(\w+)", re.MULTILINE)
NAMED = re.compile(r"`(\w+)/(\w+)`")


def cases(root):
    found = set()
    for path in sorted((root / FOLDER).glob("*.c")):
        for suite, case in CASE.findall(path.read_text(encoding="utf-8")):
            if suite != path.stem:
                print(f"{path.name}: bun_{suite} has another file's name")
            found.add((suite, case))
    return found


def rows(text):
    """The cells of each row of each table, without their heads."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if line.startswith("| ") and not cells[-1] == "test":
            yield cells


def main():
    root = pathlib.Path(sys.argv[1])
    there = cases(root)
    text = (root / DOCUMENT).read_text(encoding="utf-8")
    named, wrong = set(), 0
    for cells in rows(text):
        mine = set(NAMED.findall(cells[-1]))
        named |= mine
        if not mine:
            print(f"{DOCUMENT}: no test for: {cells[0]}")
            wrong = 1
    for suite, case in sorted(named - there):
        print(f"{DOCUMENT}: there is no test {suite}/{case}")
    for suite, case in sorted(there - named):
        print(f"{FOLDER}/{suite}.c: {case} is in no row of {DOCUMENT}")
    return 1 if wrong or named != there or not there else 0


if __name__ == "__main__":
    sys.exit(main())
