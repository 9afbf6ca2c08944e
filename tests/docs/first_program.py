# SPDX-License-Identifier: MIT
"""Prints the program in the EXAMPLES of a manual page: first_program.py PAGE"""
import sys

from page import Page

programs = [text for text in Page(sys.argv[1]).examples() if "main(" in text]
print(programs[0], end="")
