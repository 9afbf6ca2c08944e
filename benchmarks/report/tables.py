# SPDX-License-Identifier: MIT
"""The tables of a run, for a terminal and for docs/BENCHMARKS.md."""
import results

UNITS = {"cpu": ("ns of CPU time a datagram", 1),
         "wall": ("ns a datagram", 1),
         "p50": ("µs, median", 1000),
         "p99": ("µs, 99th percentile", 1000)}
TITLES = {"send": "Sending to many destinations",
          "train": "Sending trains",
          "deliver": "From end to end",
          "receive": "Receiving",
          "relay": "Relaying and fanning out",
          "pingpong": "Round trips",
          "memory": "Memory",
          "scaling": "Scaling",
          "zero_copy": "Zero copy"}
# What a curve is drawn over, and its chart's file.
SERIES = {"open sockets, receiving": "sockets",
          "open sockets, sending": "sending_sockets",
          "destinations": "destinations",
          "bytes": "bytes", "batch": "batches", "shards": "shards",
          "peers": "peers"}


def number(value):
    if value == 0:
        return "0"
    if abs(value) < 0.1:
        return f"{value:.4f}"
    if abs(value) < 100:
        return f"{value:.3f}"
    return f"{value:.0f}"


def spread(low, high):
    return number(low) if low == high else f"{number(low)}–{number(high)}"


def bound(target):
    return f"{target.sense} {target.must:g}"


def header(found):
    part = results.first_part(found)
    machine = part["machine"]
    lines = [f"hail {part['hail']}, {machine['cpu']}, "
             f"{machine['cores']:.0f} cores, {machine['kernel']}, "
             f"{machine['date']}, {part['rounds']:.0f} rounds, load average "
             f"{loads(found)}.",
             f"Mitigations: {machine['mitigations']}."]
    if part["short"]:
        lines.insert(0, "A short run: its figures say nothing.")
    return lines


def loads(found):
    """The busiest that the machine was when a part ended."""
    load = [part["machine"]["load"] for part in found["parts"].values()]
    return f"{min(load):.2f} to {max(load):.2f}"


def verdicts(found):
    all_of_them = results.targets(found)
    met = sum(target.met() for target in all_of_them)
    lines = [f"{met} of {len(all_of_them)} rows meet their target."]
    missing = results.missing(found)
    if missing:
        lines.append("Not measured: " + ", ".join(missing) + ".")
    for what, why, works in results.left_out(found):
        where = works[0] if len(works) == 1 else f"{len(works)} measurements"
        lines.append(f"Left out: {what} ({where}): {why}.")
    return lines


def target_rows(found, met, missed):
    return [[target.number, target.work, target.what, number(target.median),
             spread(target.low, target.high), bound(target),
             met if target.met() else missed]
            for target in results.targets(found)]


TARGET_HEADS = ["target", "work", "figure", "median", "middle half",
                "must be", ""]


def text(found):
    """For a terminal."""
    table = [TARGET_HEADS] + target_rows(found, "met", "MISSED")
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = header(found) + [""]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines + [""] + verdicts(found))


def markdown_table(heads, rows, right=()):
    rule = ["---:" if i in right else "---" for i in range(len(heads))]
    lines = ["| " + " | ".join(heads) + " |", "|" + "|".join(rule) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return lines


def cost_cell(row):
    scale = UNITS[row["metric"]][1]
    ns = row["ns"]
    return (f"{number(ns['median'] / scale)} "
            f"({spread(ns['low'] / scale, ns['high'] / scale)})")


def in_order(values):
    return list(dict.fromkeys(values))


def pivot(rows, across, down):
    """Heads and rows of a table of cells; what wasn't measured is a dash."""
    cells = {(row[down], row[across]): cost_cell(row) for row in rows}
    columns = in_order(row[across] for row in rows)
    table = [[str(line)] + [cells.get((line, column), "–")
                            for column in columns]
             for line in in_order(row[down] for row in rows)]
    return [str(column) for column in columns], table


def part_costs(rows):
    """One table a metric, contenders down and works across."""
    for metric in in_order(row["metric"] for row in rows):
        mine = [row for row in rows
                if row["metric"] == metric and not row["series"]]
        if not mine:
            continue
        heads, table = pivot(mine, "work", "contender")
        right = range(1, len(heads) + 1)
        yield markdown_table([UNITS[metric][0], *heads], table, right) + [""]


def part_series(rows):
    """One table a curve, with contenders across."""
    for series in in_order(row["series"] for row in rows if row["series"]):
        curve = [row for row in rows if row["series"] == series]
        for metric in in_order(row["metric"] for row in curve):
            mine = [dict(row, x=f"{row['x']:,.0f}") for row in curve
                    if row["metric"] == metric]
            heads, table = pivot(mine, "contender", "x")
            head = f"{series}, {UNITS[metric][0]}"
            yield markdown_table([head, *heads], table,
                                 range(len(heads) + 1)) + [""]


def part_figures(rows):
    if rows:
        table = [[row["work"], f"{row['value']:.6g} {row['unit']}"]
                 for row in rows]
        yield markdown_table(["", "figure"], table, [1]) + [""]


def chart_lines(part, rows):
    names = [part] if any(not row["series"] for row in rows) else []
    names += [SERIES[series]
              for series in in_order(row["series"] for row in rows)
              if series]
    return [f"![{name}](benchmarks/{name}.svg)" for name in names]


def markdown(found):
    """What docs/BENCHMARKS.md has between its marks."""
    lines = header(found) + ["", "### Targets", ""]
    lines += ["![targets](benchmarks/targets.svg)", ""]
    lines += markdown_table(TARGET_HEADS, target_rows(found, "yes", "**no**"),
                            [3, 4, 5])
    lines += [""] + verdicts(found) + [""]
    for name, part in found["parts"].items():
        lines += [f"### {TITLES[name]}", ""]
        lines += chart_lines(name, part["costs"]) + [""]
        for table in part_costs(part["costs"]):
            lines += table
        for table in part_series(part["costs"]):
            lines += table
        for table in part_figures(part["figures"]):
            lines += table
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip()
