# SPDX-License-Identifier: MIT
"""The library has the probes that docs/TRACING.md lists, with as many arguments.

probes.py <TRACING.md> <libhail.so> <whether sys/sdt.h was found: true or false>
"""
import pathlib
import re
import subprocess
import sys

SKIPPED = 77


def documented(path):
    """The number of arguments of each probe of the table."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|",
                      pathlib.Path(path).read_text(), flags=re.M)
    return {name: sum(text.strip() != "–" for text in arguments)
            for name, *arguments in rows}


def noted(library):
    """The same of each note of the library, of which a probe may have some."""
    text = subprocess.run(["readelf", "-nW", library], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    notes = re.findall(r"Provider: (\w+)\s+Name: (\w+)\s+Location: .*\s+"
                       r"Arguments: (.*)", text)
    return [(name, len(arguments.split()))
            for provider, name, arguments in notes if provider == "hail"]


def main():
    document, library, found = sys.argv[1:]
    if found != "true":
        print("skipped: hail was built without sys/sdt.h")
        return SKIPPED
    wanted = documented(document)
    notes = noted(library)
    if not wanted:
        print(f"{document} has no table of probes")
        return 1
    wrong = False
    for name in sorted(wanted.keys() - {name for name, _ in notes}):
        print(f"{name}: documented, but not in the library")
        wrong = True
    for name, count in notes:
        if count != wanted.get(name):
            print(f"{name}: {count} arguments, and {wanted.get(name)} "
                  "documented")
            wrong = True
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
