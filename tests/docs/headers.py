# SPDX-License-Identifier: MIT
"""Reads the public headers just well enough to compare a manual with them."""
import re


def squeeze(text):
    """One blank between words, none beside punctuation."""
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r" ?([(),*;{}]) ?", r"\1", text)


class Header:
    """What one header declares."""

    def __init__(self, path):
        text = path.read_text(encoding="utf-8")
        self.name = path.name
        self.comments = " ".join(re.findall(r"/\*.*?\*/", text, re.S))
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        self.words = set(re.findall(r"\bhail_\w+|\bHAIL_\w+", code))
        self.constants = {word for word in self.words
                          if re.match(r"HAIL_(?!\w*H$)", word)}
        code = re.sub(r"^#(.*\\\n)*.*\n", "", code, flags=re.M)
        code = re.sub(r'extern "C" \{|^\}$', "", code, flags=re.M)
        self._read_types(code)
        self._read_functions(code)

    def _read_types(self, code):
        """self.members: of each struct, in order."""
        self.members = {}
        self.types = set(re.findall(r"^(?:struct|enum) (hail_\w+) \{", code,
                                    re.M))
        for name, body in re.findall(r"^struct (hail_\w+) \{\n(.*?)^\};", code,
                                     re.M | re.S):
            body = re.sub(r"union \{|\};", "", body)
            self.members[name] = [
                member for statement in body.split(";")
                for member in self._declared(statement)]

    @staticmethod
    def _declared(statement):
        function = re.search(r"\(\*(\w+)\)", statement)
        if function:
            return [function.group(1)]
        return re.findall(r"(\w+)(?:\[\w+\])?\s*(?:,|$)", statement.strip())

    def _read_functions(self, code):
        """self.prototypes: of each function, as squeeze() leaves it."""
        self.prototypes = {}
        code = re.sub(r"^(struct|enum) hail_\w+ \{\n.*?^\};", "", code,
                      flags=re.M | re.S)
        for statement in code.split(";"):
            match = re.search(r"\b(hail_\w+)\(", statement)
            if match:
                self.prototypes[match.group(1)] = squeeze(statement + ";")

    def errors(self):
        """The errors that its comments name."""
        return set(re.findall(r"-(E[A-Z0-9]+)\b", self.comments))


def read_all(folder):
    return [Header(path) for path in sorted(folder.glob("*.h"))]
