#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What benchmarks/compare makes of measured rows."""
import contextlib
import io
import json
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree as xml

import charts
import document
import programs
import results
import tables


def spread(median):
    return {"median": median, "low": median * 0.9, "high": median * 1.1}


def ratio(target, kind, median, must, **other):
    row = {"target": target, "kind": kind, "work": "send", "metric": "cpu",
           "series": "", "x": 0, "subject": "hail", "base": "sendmmsg",
           "subject_ns": spread(2000), "base_ns": spread(2400),
           "ratio": spread(median), "must": must}
    return {**row, **other}


def cost(contender, ns, series="", x=0):
    return {"work": "send", "contender": contender, "metric": "cpu",
            "series": series, "x": x, "ns": spread(ns)}


def part(**other):
    rows = {"hail": "0.1.0", "rounds": 200, "short": 0,
            "machine": {"cpu": "a <fast> one", "cores": 2, "kernel": "Linux",
                        "mitigations": "none", "date": "now", "load": 1.0},
            "ratios": [], "costs": [], "figures": [], "left_out": []}
    return {**rows, **other}


def found(**rows):
    return {"parts": {"send": part(**rows)}}


class Verdicts(unittest.TestCase):
    def verdict(self, *row):
        return results.target_of_ratio(ratio(*row)).met()

    def test_a_cost_is_met_up_to_its_bound(self):
        self.assertTrue(self.verdict("T1", "cost", 1.02, 1.02))
        self.assertFalse(self.verdict("T1", "cost", 1.021, 1.02))

    def test_a_speed_is_met_from_its_bound_on(self):
        self.assertTrue(self.verdict("T6", "speed", 9, 9))
        self.assertFalse(self.verdict("T6", "speed", 8.9, 9))

    def test_a_share_of_the_bound_is_at_most_one_where_it_is_met(self):
        for row in [("T1", "cost", 0.9, 1.02), ("T6", "speed", 11, 9),
                    ("T6", "speed", 8, 9), ("T14", "value", 2.5, 2)]:
            target = results.target_of_ratio(ratio(*row))
            self.assertEqual(target.share(target.median) <= 1, target.met())

    def test_none_of_a_bound_of_none_is_met(self):
        row = {"target": "T12", "work": "flow", "unit": "allocations",
               "value": 0, "must": 0}
        target = results.target_of_figure(row)
        self.assertTrue(target.met())
        self.assertEqual(target.share(0), 0)
        self.assertGreater(target.share(1), 1)


class Rows(unittest.TestCase):
    def test_targets_come_by_number(self):
        rows = found(ratios=[ratio("T10", "cost", 1, 1.05),
                             ratio("T2", "cost", 0.8, 0.88)])
        numbers = [target.number for target in results.targets(rows)]
        self.assertEqual(numbers, ["T2", "T10"])

    def test_rows_for_information_are_no_targets(self):
        rows = found(ratios=[ratio("", "cost", 1, 0), ratio("T7", "cost", 1, 0)])
        self.assertEqual(results.targets(rows), [])

    def test_what_was_not_measured_is_told(self):
        rows = found(ratios=[ratio("T1", "cost", 1, 1.02)])
        missing = results.missing(rows)
        self.assertNotIn("T1", missing)
        self.assertEqual(missing[-1], "T14")
        self.assertIn("Not measured: T2, T3", tables.text(rows))

    def test_what_was_left_out_is_told_once(self):
        rows = found(left_out=[{"work": "a", "what": "libuv", "why": "absent"},
                               {"work": "b", "what": "libuv", "why": "absent"}])
        self.assertEqual(tables.text(rows).count("libuv"), 1)
        self.assertIn("libuv (2 measurements): absent", tables.text(rows))

    def test_saved_results_are_the_same_when_loaded(self):
        rows = found(ratios=[ratio("T1", "cost", 0.95, 1.02, base="a [{")])
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "results.json")
            results.save(rows, path)
            self.assertEqual(results.load(path), json.loads(json.dumps(rows)))


class Tables(unittest.TestCase):
    def test_a_figure_has_its_spread_its_bound_and_its_verdict(self):
        rows = found(ratios=[ratio("T1", "cost", 2.0, 1.02)])
        line = next(line for line in tables.markdown(rows).splitlines()
                    if line.startswith("| T1"))
        self.assertEqual(line, "| T1 | send | hail / sendmmsg | 2.000 | "
                               "1.800–2.200 | ≤ 1.02 | **no** |")

    def test_costs_have_a_line_a_contender(self):
        text = tables.markdown(found(costs=[cost("sendmmsg", 2400),
                                            cost("hail", 2000)]))
        self.assertIn("| hail | 2000 (1800–2200) |", text)
        self.assertIn("| sendmmsg | 2400 (2160–2640) |", text)

    def test_a_curve_has_a_line_a_point_and_a_dash_for_what_is_missing(self):
        text = tables.markdown(found(costs=[
            cost("hail", 500, "batch", 1), cost("bare", 400, "batch", 1),
            cost("hail", 300, "batch", 1024)]))
        self.assertIn("| 1,024 | 300 (270–330) | – |", text)

    def test_every_part_has_a_title(self):
        self.assertEqual(sorted(tables.TITLES), sorted(programs.PARTS))

    def test_a_short_run_says_that_its_figures_say_nothing(self):
        self.assertIn("say nothing", tables.text(found(short=1)))
        self.assertNotIn("say nothing", tables.text(found()))


class Charts(unittest.TestCase):
    ROWS = found(
        ratios=[ratio("T1", "cost", 0.95, 1.02), ratio("T6", "speed", 0, 9)],
        costs=[cost("hail & <all>", 2000), cost("sendmmsg", 2400),
               cost("hail", 500, "batch", 1), cost("hail", 300, "batch", 64),
               cost("hail", 0, "shards", 1)])

    def test_every_chart_is_a_picture(self):
        drawn = dict(charts.charts(self.ROWS))
        self.assertEqual(set(drawn), {"targets", "send", "batches", "shards"})
        for picture in drawn.values():
            root = xml.fromstring(picture)
            self.assertTrue(root.tag.endswith("svg"))
            self.assertNotIn("nan", picture)
            self.assertNotIn("inf'", picture)

    def test_every_chart_that_the_document_shows_is_drawn(self):
        text = tables.markdown(self.ROWS)
        for name, _ in charts.charts(self.ROWS):
            self.assertIn(f"(benchmarks/{name}.svg)", text)
        self.assertEqual(text.count(".svg"), 4)

    def test_ticks_are_few_and_begin_at_nothing(self):
        for most in [0.7, 3, 99, 2543, 120000]:
            ticks = charts.ticks(most)
            self.assertEqual(ticks[0], 0)
            self.assertLessEqual(ticks[-1], most)
            self.assertTrue(3 <= len(ticks) <= 8, (most, ticks))


class Programs(unittest.TestCase):
    """With a script in place of bench_send."""

    def run_script(self, text, **options):
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder, "benchmarks", "bench_send")
            script.parent.mkdir()
            script.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
            script.chmod(0o755)
            with contextlib.redirect_stderr(io.StringIO()):
                return programs.run(pathlib.Path(folder), ["send"], **options)

    def test_what_a_program_writes_is_kept_under_its_name(self):
        rows, failed = self.run_script(
            """for i; do case $i in --json=*) file=${i#*=};; esac; done
            echo "{\\"arguments\\": \\"$*\\"}" >"$file\"""",
            short=True, rounds=7)
        self.assertEqual(failed, [])
        self.assertIn("--short --rounds=7", rows["parts"]["send"]["arguments"])

    def test_a_program_that_fails_is_told_and_its_rows_are_kept(self):
        rows, failed = self.run_script("echo '{}' >\"${1#*=}\"; exit 1")
        self.assertEqual((rows["parts"], failed), ({"send": {}}, ["send"]))

    def test_one_that_is_refused_io_uring_is_no_failure(self):
        rows, failed = self.run_script("exit 77")
        self.assertEqual((rows["parts"], failed), ({}, []))

    def test_one_that_dies_is_a_failure(self):
        _, failed = self.run_script("kill -9 $$")
        self.assertEqual(failed, ["send"])


class Document(unittest.TestCase):
    def test_only_what_is_between_the_marks_is_replaced(self):
        old = f"before\n{document.BEGIN}\nold\n{document.END}\nafter\n"
        new = document.replaced(old, "new")
        self.assertEqual(new, old.replace("old", "new"))

    def test_a_document_without_marks_is_refused(self):
        for text in ["", document.BEGIN, document.END]:
            with self.assertRaises(ValueError):
                document.replaced(text, "new")

    def test_the_project_s_own_has_its_marks(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        text = (root / "docs" / "BENCHMARKS.md").read_text("utf-8")
        self.assertIn("new", document.replaced(text, "new"))


if __name__ == "__main__":
    unittest.main()
