# SPDX-License-Identifier: MIT
"""Renders a manual page from standard input to standard output:
render.py VERSION SCDOC

Adds what scdoc can't be told: the version, where a page would have to be edited
for each, and that words aren't hyphenated, of which most here are names that are
looked for and copied. (scdoc says that before .TH, which undoes it.)
"""
import re
import subprocess
import sys

version, scdoc = sys.argv[1:]
title, rest = sys.stdin.read().split("\n", 1)
page = subprocess.run([scdoc], input=f'{title} "hail {version}"\n{rest}',
                      stdout=subprocess.PIPE, text=True, encoding="utf-8",
                      check=True).stdout
sys.stdout.write(re.sub(r"^(\.TH .*)$", r"\1\n.nh", page, count=1,
                        flags=re.M))
