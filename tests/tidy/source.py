# SPDX-License-Identifier: MIT
"""Reads C just well enough for the rules of tidy.py.

It relies on the formatting that clang-format gives: a function's body begins
and ends with a brace in the first column.
"""
import re

TAB = 8

_TOKENS = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)
_PYTHON_TOKENS = re.compile(
    r'''""".*?"""|\#[^\n]*|"(?:\\.|[^"\\\n])*"'''
    r"""|'(?:\\.|[^'\\\n])*'""", re.S)
_INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
_FUNCTION_NAME = re.compile(r"\b(\w+)\(")
_CONTROL = re.compile(r"(if|for|while|switch|else|do)\b")
_CONTINUES = re.compile(r"[?:&|+\-/.=<>,)\]]")


def _tokens_of(path):
    return _TOKENS if path.suffix in (".c", ".h", ".cc") else _PYTHON_TOKENS


def _blank(match):
    token = match.group(0)
    if token[0] in "\"'" and "\n" not in token:
        return token[0] + " " * (len(token) - 2) + token[0]
    return re.sub(r"[^\n]", " ", token)


def width(line):
    return len(line.expandtabs(TAB))


class Function:
    """A function's definition; lines are numbered from 1."""

    def __init__(self, name, static, begin, body, end):
        self.name = name
        self.static = static
        self.begin = begin  # of the signature
        self.body = body  # the opening brace
        self.end = end  # the closing brace

    def length(self):
        return self.end - self.begin + 1


class Source:
    """A file: `lines` as they are, `code` without comments and strings."""

    def __init__(self, root, path):
        self.root = root
        self.path = path
        self.name = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.is_c = path.suffix in (".c", ".h", ".cc")
        stripped = _tokens_of(path).sub(_blank, self.text)
        self.code = [line.rstrip() for line in stripped.splitlines()]
        self.functions = self._find_functions() if self.is_c else []

    def includes(self):
        """Line, '<' or '"', and what is included."""
        for number, line in enumerate(self.lines, 1):
            match = _INCLUDE.match(line)
            if match:
                yield number, match.group(1), match.group(2)

    def function_at(self, number):
        for function in self.functions:
            if function.begin <= number <= function.end:
                return function
        return None

    def calls(self, pattern):
        """Lines that call what matches, and what they call."""
        call = re.compile(r"(?<![\w.>])(" + pattern + r")\s*\(")
        for number, line in enumerate(self.code, 1):
            for match in call.finditer(line):
                yield number, match.group(1)

    def _find_functions(self):
        found = []
        body = None
        for index, line in enumerate(self.code):
            if line == "{":
                body = index
            elif line == "}" and body is not None:
                begin = self._signature(body)
                text = " ".join(self.code[begin:body])
                name = _FUNCTION_NAME.search(text)
                if name:
                    static = re.match(r"(static|inline)\b", text) is not None
                    found.append(Function(name.group(1), static, begin + 1,
                                          body + 1, index + 1))
                body = None
        return found

    def _signature(self, body):
        first = body
        while first > 0:
            line = self.code[first - 1]
            if line == "" or line.startswith("#") or line[-1] in ";}":
                break
            first -= 1
        return first

    def statement_depths(self, function):
        """Line and number of tabs of each statement of a function."""
        parens = 0
        before = "{"
        for number in range(function.body, function.end - 1):
            line = self.code[number]  # the line after `number`
            text = line.strip()
            if text == "" or text.startswith("#"):
                continue
            if parens == 0 and _starts_statement(before, text):
                yield number + 1, len(line) - len(line.lstrip("\t"))
            parens += text.count("(") - text.count(")")
            before = text


def _starts_statement(before, text):
    if _CONTINUES.match(text):
        return False
    if before[-1] in ";{}:":
        return True
    return _CONTROL.match(before.lstrip("} ")) is not None or before[-1] == ")"
