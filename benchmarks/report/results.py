# SPDX-License-Identifier: MIT
"""What a run has measured: loading, saving, and the rows of targets."""
import json
import re


def load(path):
    return json.loads(path.read_text("utf-8"))


def save(found, path):
    """A line a row, so that a comparison of two files can be read."""
    path.write_text(_written(found) + "\n", "utf-8")


def _written(value):
    if isinstance(value, list):
        return "[\n" + ",\n".join(_plainly(row) for row in value) + "\n]"
    if isinstance(value, dict):
        members = [f"{_plainly(key)}: {_written(member)}"
                   for key, member in value.items()]
        return "{" + ",\n".join(members) + "}"
    return _plainly(value)


def _plainly(value):
    return json.dumps(value, ensure_ascii=False)


def rows(found, kind):
    """All parts' rows of a kind: ratios, costs, figures, left_out."""
    return [row for part in found["parts"].values() for row in part[kind]]


def first_part(found):
    return next(iter(found["parts"].values()))


class Target:
    """One figure and the bound that it is held to."""

    def __init__(self, number, work, what, median, low, high, must, sense):
        self.number = number
        self.work = work
        self.what = what
        self.median = median
        self.low = low
        self.high = high
        self.must = must
        self.sense = sense  # "≤" or "≥"

    def met(self):
        if self.sense == "≥":
            return self.median >= self.must
        return self.median <= self.must

    def share(self, value):
        """Of the bound: at most 1 where it is met."""
        if self.sense == "≥":
            return self.must / value if value else float("inf")
        if self.must:
            return value / self.must
        return 0.0 if value == 0 else float("inf")


METRICS = {"cpu": "", "wall": ", time", "p50": ", p50", "p99": ", p99"}


def what_of(row):
    """In words, what a ratio row's figure is."""
    subject, base = row["subject"], row["base"]
    metric = METRICS[row["metric"]]
    return {
        "cost": f"{subject} / {base}{metric}",
        "speed": f"{subject}, times {base}",
        "growth": f"{subject}, growth beyond {base}'s",
        "value": f"{subject}{metric} in ms",
    }[row["kind"]]


def target_of_ratio(row):
    ratio = row["ratio"]
    return Target(row["target"], row["work"], what_of(row), ratio["median"],
                  ratio["low"], ratio["high"], row["must"],
                  "≥" if row["kind"] == "speed" else "≤")


def target_of_figure(row):
    value = row["value"]
    return Target(row["target"], row["work"], row["unit"], value, value, value,
                  row["must"], "≤")


def number_of(target):
    digits = re.search(r"\d+", target.number)
    return int(digits.group()) if digits else 0


def targets(found):
    """All of them, by number, in the order in which they were measured."""
    out = [target_of_ratio(row) for row in rows(found, "ratios")
           if row["target"] and row["must"] > 0]
    out += [target_of_figure(row) for row in rows(found, "figures")
            if row["target"] and row["must"] >= 0]
    return sorted(out, key=number_of)


def missing(found):
    """Targets of TARGETS that have no figure, by number."""
    there = {number_of(target) for target in targets(found)}
    return [f"T{number}" for number in range(1, 15) if number not in there]


def left_out(found):
    """What was left out anywhere: what, why, and of which works."""
    works = {}
    for row in rows(found, "left_out"):
        works.setdefault((row["what"], row["why"]), []).append(row["work"])
    return [(what, why, of) for (what, why), of in works.items()]
