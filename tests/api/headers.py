# SPDX-License-Identifier: MIT
"""Compiles each public header alone, twice in one file, without a warning.

It gives no feature macros, as a program that asks for a plain standard has it.
Exit status 77 (skipped) where there is no compiler of that language.
"""
import argparse
import subprocess
import sys


def compiles(header, options):
    source = f"#include <hail/{header}>\n" * 2
    if options.language == "c":
        # A file with nothing in it isn't C.
        source += "typedef int translation_unit_is_not_empty;\n"
    # Not -Wshadow: in C++ hail_probe() hides the constructor of the struct of
    # the same name, as stat() does.
    command = [
        *options.compiler, f"-std={options.std}", "-Wall", "-Wextra",
        "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only",
        f"-I{options.include}", "-x", options.language, "-"]
    result = subprocess.run(command, input=source, text=True,
                            stderr=subprocess.PIPE)
    if result.returncode != 0:
        print(f"hail/{header} as {options.std}:\n{result.stderr}")
    return result.returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--std", required=True)
    parser.add_argument("--language", required=True)
    parser.add_argument("--include", required=True)
    parser.add_argument("headers", nargs="+")
    arguments = sys.argv[1:]
    split = arguments.index("--")
    options = parser.parse_args(arguments[:split])
    options.compiler = arguments[split + 1:]
    if not options.compiler:
        print(f"skipped: no compiler for {options.language}")
        return 77
    return 0 if all([compiles(h, options) for h in options.headers]) else 1


if __name__ == "__main__":
    sys.exit(main())
