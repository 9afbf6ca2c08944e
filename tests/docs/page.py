# SPDX-License-Identifier: MIT
"""Reads a manual page in scdoc's language, as far as the tests need it."""
import pathlib
import re


class Page:
    """A page: its name as others refer to it, and its sections."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.text = self.path.read_text(encoding="utf-8")
        stem, section = self.path.name.split(".")[:2]
        self.title = stem
        self.name = f"{stem}({section})"

    def section(self, heading):
        """The text below a heading; empty where there is none."""
        match = re.search(rf"^# {heading}\n(.*?)(?=^# |\Z)", self.text,
                          re.M | re.S)
        return match.group(1) if match else ""

    def names(self):
        """What NAME promises to describe."""
        return re.split(r",\s+", self.section("NAME").split(" - ")[0].strip())

    def plain(self):
        """The text without scdoc's underlining and escapes."""
        text = re.sub(r"(?<![\w\\])_|(?<!\\)_(?!\w)", "", self.text)
        return text.replace("\\", "")

    def terms(self):
        """What stands in bold, as that which is described does."""
        return set(re.findall(r"\*([\w.-]+)\*", self.text))

    def references(self):
        """The pages that it refers to, as name(section)."""
        return {f"{name}({section})" for name, section in
                re.findall(r"\*([\w-]+)\*\((\d)\)", self.text)}

    def examples(self):
        """The blocks of code in EXAMPLES."""
        blocks = re.findall(r"^```\n(.*?)^```$", self.section("EXAMPLES"),
                            re.M | re.S)
        return [re.sub(r"\\(.)", r"\1", block) for block in blocks]
