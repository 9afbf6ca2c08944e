# SPDX-License-Identifier: MIT
"""Puts a run's tables into the document, between its marks."""

BEGIN = "<!-- results: what benchmarks/compare --markdown prints -->"
END = "<!-- end of results -->"


def replaced(text, results):
    """The text with what stands between the marks replaced."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the document has no marks for the results")
    return f"{before}{BEGIN}\n{results}\n{END}{after}"


def update(path, results):
    text = path.read_text("utf-8")
    path.write_text(replaced(text, results), "utf-8")
