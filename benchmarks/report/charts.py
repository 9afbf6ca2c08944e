# SPDX-License-Identifier: MIT
"""Draws the charts of a run: the targets, what each contender costs, and the
curves of what scales."""
import math

import results
import tables
from svg import COLOURS, Drawing

WIDTH = 860
ROW = 17
TOP = 34


def write(found, folder):
    """One file a chart."""
    for name, picture in charts(found):
        (folder / f"{name}.svg").write_text(picture, "utf-8")


def charts(found):
    yield "targets", targets_chart(found)
    for name, part in found["parts"].items():
        rows = [row for row in part["costs"] if not row["series"]]
        if rows:
            yield name, bars_chart(tables.TITLES[name], rows)
        curves = [row for row in part["costs"] if row["series"]]
        for series in tables.in_order(row["series"] for row in curves):
            mine = [row for row in curves if row["series"] == series]
            yield tables.SERIES[series], curve_chart(series, mine)


def worst_of_each(found):
    """Of rows that tell the same of different works, the one that is nearest to
    its bound, or furthest beyond it."""
    worst = {}
    for target in results.targets(found):
        key = (target.number, target.what)
        share = target.share(target.median)
        if key not in worst or share > worst[key].share(worst[key].median):
            worst[key] = target
    return list(worst.values())


def targets_chart(found):
    """Each bar is a figure as a share of its bound."""
    rows = worst_of_each(found)
    left, right = 330, 90
    span = 1.25
    unit = (WIDTH - left - right) / span
    drawing = Drawing(WIDTH, TOP + len(rows) * ROW + 22,
                      "Targets: each figure as a share of its bound")
    drawing.text(8, 18, "Each figure as a share of its bound, the worst of its "
                        "kind; up to the line is met")
    for i, target in enumerate(rows):
        _target_row(drawing, target, TOP + i * ROW, left, unit, span)
    x = left + unit
    drawing.line(x, TOP - 4, x, TOP + len(rows) * ROW + 2, "mark")
    drawing.text(x, TOP + len(rows) * ROW + 15, "bound", "middle", "dim")
    return drawing.whole()


def _target_row(drawing, target, y, left, unit, span):
    share = min(target.share(target.median), span)
    ends = [min(target.share(value), span)
            for value in (target.low, target.high)]
    drawing.text(left - 8, y + 11, shortened(f"{target.number}  {target.what}",
                                             48), "end")
    drawing.bar(left, y + 3, share * unit, ROW - 6,
                "met" if target.met() else "missed", target.work)
    _whisker(drawing, left + min(ends) * unit, left + max(ends) * unit,
             y + ROW / 2)
    drawing.text(left + span * unit + 6, y + 11,
                 f"{tables.number(target.median)} {tables.bound(target)}",
                 kind="dim")


def _whisker(drawing, low, high, y):
    drawing.line(low, y, high, y, "mark")
    drawing.line(low, y - 2.5, low, y + 2.5, "mark")
    drawing.line(high, y - 2.5, high, y + 2.5, "mark")


def shortened(words, most):
    return words if len(words) <= most else words[:most - 1] + "…"


def bars_chart(title, rows):
    """A group of bars for each work and metric, each group in its own scale."""
    groups = {}
    for row in rows:
        groups.setdefault((row["work"], row["metric"]), []).append(row)
    height = sum((len(group) + 2) * ROW for group in groups.values())
    drawing = Drawing(WIDTH, TOP + height, title)
    drawing.text(8, 18, f"{title}: shorter is better; the lines are the middle "
                        "half of all rounds")
    y = TOP
    for (work, metric), group in groups.items():
        unit, scale = tables.UNITS[metric]
        drawing.text(8, y + 11, f"{work}: {unit}", kind="dim")
        _bar_group(drawing, group, y + ROW, scale)
        y += (len(group) + 2) * ROW
    return drawing.whole()


def _bar_group(drawing, group, y, scale):
    left, right = 290, 70
    most = max(row["ns"]["high"] for row in group) or 1
    unit = (WIDTH - left - right) / most
    for i, row in enumerate(group):
        at = y + i * ROW
        ns = row["ns"]
        own = row["contender"].startswith("hail")
        drawing.text(left - 8, at + 11, shortened(row["contender"], 46), "end")
        drawing.bar(left, at + 3, ns["median"] * unit, ROW - 6,
                    "own" if own else "other")
        _whisker(drawing, left + ns["low"] * unit, left + ns["high"] * unit,
                 at + ROW / 2)
        drawing.text(WIDTH - right + 8, at + 11,
                     tables.number(ns["median"] / scale), kind="dim")


class Plane:
    """Where values are on the paper: x on a logarithmic scale."""

    def __init__(self, rows):
        self.left, self.right, self.top, self.bottom = 60, 190, TOP + 8, 300
        self.xs = sorted({row["x"] for row in rows})
        self.most = max(row["ns"]["high"] for row in rows) * 1.05 or 1
        self.log = (math.log(self.xs[0]), math.log(self.xs[-1]))

    def x(self, value):
        low, high = self.log
        share = (math.log(value) - low) / (high - low) if high > low else 0.5
        return self.left + share * (WIDTH - self.left - self.right)

    def y(self, value):
        return self.bottom - value / self.most * (self.bottom - self.top)


def curve_chart(series, rows):
    metric = rows[0]["metric"]
    rows = [row for row in rows if row["metric"] == metric]
    plane = Plane(rows)
    drawing = Drawing(WIDTH, 340, f"Cost over {series}")
    drawing.text(8, 18, f"{tables.UNITS[metric][0]} over {series}; the bands "
                        "are the middle half of all rounds")
    _grid(drawing, plane, series)
    contenders = tables.in_order(row["contender"] for row in rows)
    for i, contender in enumerate(contenders):
        mine = sorted((row for row in rows if row["contender"] == contender),
                      key=lambda row: row["x"])
        colour = COLOURS[i % len(COLOURS)]
        _curve(drawing, plane, mine, colour)
        y = plane.top + 8 + i * ROW
        drawing.curve([(WIDTH - plane.right + 16, y),
                       (WIDTH - plane.right + 34, y)], colour)
        drawing.text(WIDTH - plane.right + 40, y + 4, shortened(contender, 24))
    return drawing.whole()


def _grid(drawing, plane, series):
    end = WIDTH - plane.right
    for value in ticks(plane.most):
        y = plane.y(value)
        drawing.line(plane.left, y, end, y, "rule")
        drawing.text(plane.left - 6, y + 4, f"{value:,.0f}", "end", "dim")
    for value in plane.xs:
        drawing.text(plane.x(value), plane.bottom + 16, f"{value:,.0f}",
                     "middle", "dim")
    drawing.line(plane.left, plane.bottom, end, plane.bottom, "axis")
    drawing.text((plane.left + end) / 2, plane.bottom + 32, series, "middle")


def ticks(most):
    """About five round numbers from 0 on."""
    step = 10 ** math.floor(math.log10(most / 4))
    while most / step > 6:
        step *= 2 if most / step <= 12 else 5 if most / step <= 30 else 10
    return [i * step for i in range(int(most / step) + 1)]


def _curve(drawing, plane, rows, colour):
    points = [(plane.x(row["x"]), plane.y(row["ns"]["median"]))
              for row in rows]
    low = [(plane.x(row["x"]), plane.y(row["ns"]["low"])) for row in rows]
    high = [(plane.x(row["x"]), plane.y(row["ns"]["high"])) for row in rows]
    drawing.band(low + high[::-1], colour)
    drawing.curve(points, colour, rows[0]["contender"])
    for x, y in points:
        drawing.dot(x, y, colour)
