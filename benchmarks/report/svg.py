# SPDX-License-Identifier: MIT
"""Writes small SVG files that are readable on light and dark grounds."""
from xml.sax.saxutils import escape

FONT = "font-family='system-ui, sans-serif' font-size='11'"
# Classes, so that the viewer's preference decides.
STYLE = """<style>
:root { color-scheme: light dark; }
text { fill: #24292f; } .dim { fill: #57606a; }
.rule { stroke: #d0d7de; } .axis { stroke: #57606a; } .mark { stroke: #24292f; }
.own { fill: #2f7de1; } .other { fill: #a3acb6; }
.met { fill: #2da44e; } .missed { fill: #cf4a3e; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .dim { fill: #9da7b1; }
.rule { stroke: #30363d; } .axis { stroke: #9da7b1; } .mark { stroke: #e6edf3; }
.other { fill: #6e7781; } .met { fill: #3fb950; } .missed { fill: #f85149; } }
</style>"""
# Of lines; readable on either ground.
COLOURS = ["#2f7de1", "#d2691e", "#3a9d5d", "#b05fc4", "#b8860b", "#d1495b"]


class Drawing:
    """A picture under way; every call adds to it."""

    def __init__(self, width, height, title):
        self.width = width
        self.height = height
        self.title = title
        self.parts = []

    def text(self, x, y, words, anchor="start", kind=""):
        kind = f" class='{kind}'" if kind else ""
        self.parts.append(f"<text x='{x:.1f}' y='{y:.1f}' "
                          f"text-anchor='{anchor}'{kind}>{escape(words)}"
                          "</text>")

    def bar(self, x, y, width, height, kind, tip=""):
        self.parts.append(f"<rect x='{x:.1f}' y='{y:.1f}' "
                          f"width='{max(width, 0):.1f}' height='{height:.1f}' "
                          f"rx='1.5' class='{kind}'>{_tip(tip)}</rect>")

    def line(self, x1, y1, x2, y2, kind):
        self.parts.append(f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' "
                          f"y2='{y2:.1f}' class='{kind}'/>")

    def curve(self, points, colour, tip=""):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f"<polyline points='{path}' fill='none' "
                          f"stroke='{colour}' stroke-width='1.8'>{_tip(tip)}"
                          "</polyline>")

    def band(self, points, colour):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f"<polygon points='{path}' fill='{colour}' "
                          "fill-opacity='0.18'/>")

    def dot(self, x, y, colour):
        self.parts.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.2' "
                          f"fill='{colour}'/>")

    def whole(self):
        return (f"<svg xmlns='http://www.w3.org/2000/svg' role='img' "
                f"viewBox='0 0 {self.width} {self.height:.0f}' "
                f"width='{self.width}' height='{self.height:.0f}' {FONT}>\n"
                f"<title>{escape(self.title)}</title>\n{STYLE}\n"
                + "\n".join(self.parts) + "\n</svg>\n")


def _tip(words):
    return f"<title>{escape(words)}</title>" if words else ""
