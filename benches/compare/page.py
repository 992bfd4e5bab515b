"""Turns figures into the page: medians, ratios, the goals, the machine; all in Markdown.

A ratio is one of two medians of the same run of this script. MB is 1,000,000 bytes. Where a figure is missing its
reason stands instead: nothing is guessed and nothing is carried over from an earlier run.
"""

import os
import pathlib
import platform
import statistics
import time

from peers import PEERS
from programs import output_of
from workloads import LETTERS, OURS, ROUND_TRIP_SECONDS

BEGIN = "<!-- results: written by benches/compare/run --write -->"
END = "<!-- end of the results -->"

TITLES = {
    "documents": "letters with three PDFs, 4 connections",
    "small": "small letters, 16 connections",
    "distant": "small letters, 1 connection, 50 ms round trip",
    "dry run": "dry run",
    "ten times dry run": "dry run, ten times the people",
    "ten times small": "small letters, 16 connections, ten times the people",
    "sample": "the sample of 650 people with PDFs, sent",
}


class NotMeasured(Exception):
    """A goal cannot be judged; with the reason."""


class Medians:
    """Medians of the samples, by workload, client and name of a number."""

    def __init__(self, figures):
        self.figures = figures

    def __call__(self, workload, client, name="rate"):
        return statistics.median(self.all(workload, client, name))

    def all(self, workload, client, name):
        key = (workload, client)
        samples = self.figures.samples.get(key)
        if not samples:
            raise NotMeasured(self.figures.missing.get(key, "not asked for"))
        found = [sample[name] for sample in samples]
        return [number for item in found for number in (item if isinstance(item, list) else [item])]

    def ratio(self, workload, client, name="rate", ours=OURS):
        return self(workload, ours, name) / self(workload, client, name)


class Goal:
    """One line of the goals: what is wanted, a way to measure it, and the bound (None: told, not judged)."""

    def __init__(self, goal, what, wanted, measure, form, at_least=None, at_most=None):
        self.goal, self.what, self.wanted = goal, what, wanted
        self.measure, self.form, self.at_least, self.at_most = measure, form, at_least, at_most

    def row(self, medians, bench):
        what = self.what.format(people=f"{bench.letters(('dry run', OURS)):,}",
                                tenfold=f"{bench.letters(('ten times dry run', OURS)):,}",
                                ledger=f"{bench.letters(('ledger', OURS)):,}")
        try:
            value = self.measure(medians)
        except NotMeasured as why:
            return [self.goal, what, self.wanted, f"not available: {why}", "-"]
        is_met = "-"
        if self.at_least is not None or self.at_most is not None:
            enough = self.at_least is None or value >= self.at_least
            is_met = "yes" if enough and (self.at_most is None or value <= self.at_most) else "**no**"
        return [self.goal, what, self.wanted, self.form(value), is_met]


def times(value):
    return f"{value:,.2f} x" if value < 20 else f"{value:,.0f} x"


def megabytes(value):
    return f"{value / 1e6:,.1f} MB"


def milliseconds(value):
    return f"{value * 1000:,.1f} ms"


def seconds(value):
    return f"{value:,.2f} s"


def per_second(value):
    return f"{value:,.0f} letters/s" if value >= 100 else f"{value:,.1f} letters/s"


def per_round_trip(value):
    return f"{value:.2f} letters"


def letters_a_round_trip(client):
    return lambda m: m("distant", client) * ROUND_TRIP_SECONDS


def ten_times(name, small, large):
    return lambda m: m(large, OURS, name) / m(small, OURS, name)


NOT_DURABLE = "secretariat, not durable"
GOALS = [
    Goal("G1", "with PDFs, against smtp-source", ">= 1.2 x", lambda m: m.ratio("documents", "smtp-source"), times, 1.2),
    Goal("G1", "with PDFs, against raw TCP", ">= 0.5 x", lambda m: m.ratio("documents", "raw TCP"), times, 0.5),
    Goal("G1", "with PDFs over TLS, against the same without", "told",
         lambda m: m.ratio("documents", OURS, ours="secretariat, TLS"), times),
    Goal("G2", "small, whole command, against smtp-source", ">= 0.8 x", lambda m: m.ratio("small", "smtp-source"),
         times, 0.8),
    Goal("G2", "small, first MAIL to last acceptance, against smtp-source", ">= 1.0 x",
         lambda m: m.ratio("small", "smtp-source", "sending_rate"), times, 1.0),
    Goal("G3", "distant relay, letters a round trip", ">= 0.9", letters_a_round_trip(OURS), per_round_trip, 0.9),
    Goal("G3", "distant relay, against smtp-source", ">= 3 x", lambda m: m.ratio("distant", "smtp-source"), times, 3),
    Goal("G3", "distant relay, against mailmerge", ">= 6 x", lambda m: m.ratio("distant", "mailmerge"), times, 6),
    Goal("G3", "distant relay without CHUNKING, letters a round trip", "told",
         letters_a_round_trip("secretariat, no CHUNKING"), per_round_trip),
    Goal("G4", "whole mailing, small, against mailmerge", ">= 50 x", lambda m: m.ratio("small", "mailmerge"), times,
         50),
    Goal("G4", "whole mailing, with PDFs, against mailmerge", ">= 100 x", lambda m: m.ratio("documents", "mailmerge"),
         times, 100),
    Goal("G5", "dry run of {people} people, against mailmerge's", ">= 100 x",
         lambda m: m.ratio("dry run", "mailmerge"), times, 100),
    Goal("G5", "dry run of {people} people", ">= 40,000 letters/s", lambda m: m("dry run", OURS), per_second, 40_000),
    Goal("G6", "memory, the sample sent", "<= 40 MB", lambda m: m("sample", OURS, "memory"), megabytes, None, 40e6),
    Goal("G6", "memory, dry run of {tenfold} people", "<= 150 MB",
         lambda m: m("ten times dry run", OURS, "memory"), megabytes, None, 150e6),
    Goal("G7", "`--help`, median", "<= 10 ms", lambda m: m("--help", OURS, "seconds"), milliseconds, None, 0.010),
    Goal("G7", "`--help`, best", "told", lambda m: min(m.all("--help", OURS, "seconds")), milliseconds),
    Goal("G7", "`check` of the sample, median", "<= 100 ms", lambda m: m("check", OURS, "seconds"), milliseconds, None,
         0.100),
    Goal("G7", "`check` of the sample, best", "told", lambda m: min(m.all("check", OURS, "seconds")), milliseconds),
    Goal("G8", "with PDFs, durable against not durable", ">= 0.9 x", lambda m: m.ratio("documents", NOT_DURABLE),
         times, 0.9),
    Goal("G8", "small, durable against not durable", ">= 0.6 x", lambda m: m.ratio("small", NOT_DURABLE), times, 0.6),
    Goal("G9", "dry run, time for {tenfold} people against {people}", "<= 11.5 x",
         ten_times("seconds", "dry run", "ten times dry run"), times, None, 11.5),
    Goal("G9", "dry run, memory for {tenfold} people against {people}", "< 10 x",
         ten_times("memory", "dry run", "ten times dry run"), times, None, 9.99),
    Goal("G9", "send, time for {tenfold} people against {people}", "<= 11.5 x",
         ten_times("seconds", "small", "ten times small"), times, None, 11.5),
    Goal("G9", "send, memory for {tenfold} people against {people}", "< 10 x",
         ten_times("memory", "small", "ten times small"), times, None, 9.99),
    Goal("G9", "a plan of {ledger}, from the command to the first letter", "<= 60 s",
         lambda m: m("ledger", OURS, "seconds"), seconds, None, 60),
    Goal("G9", "`status` of {ledger}", "<= 1 s",
         lambda m: m("ledger", OURS, "status"), milliseconds, None, 1),
    Goal("G9", "`why` among {ledger}", "<= 50 ms", lambda m: m("ledger", OURS, "why"), milliseconds, None, 0.050),
]


def results(bench, origin, disk):
    """The whole section between the markers."""
    medians = Medians(bench.figures)
    parts = [heading(bench, origin), machine(bench, disk)]
    goals = [goal.row(medians, bench) for goal in GOALS if goal.goal in bench.goals]
    parts.append("### The goals\n\n" + table(["", "what", "wanted", "measured", "met"], goals))
    parts.append("### The figures\n\n" + table(
        ["workload", "client", "letters", "letters/s (lowest to highest)", "sending phase", "memory", "a letter",
         "connections"], figure_rows(bench, medians)))
    return "\n\n".join(parts)


def heading(bench, origin):
    text = (f"Measured on {time.strftime('%d %B %Y', time.gmtime())}, {origin}; medians of {bench.rounds} "
            f"round{'s' if bench.rounds > 1 else ''}.")
    if bench.quick:
        text += "\n\n**A quick trial with few letters: these are not the figures of record.**"
    if not bench.has_connections:
        text += "\n\n**This version of the program sends over one connection, whatever the table says.**"
    return text


def machine(bench, disk):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "") if pathlib.Path("/etc/os-release").exists() \
        else platform.system()
    lines = [
        f"- processor: {processor()}, {os.cpu_count()} cores; memory {memory:.0f} GB",
        f"- system: {release}, Linux {platform.release()}; {output_of(['rustc', '--version'])}",
        f"- disk under the ledger: {disk}",
    ]
    if bench.peers:
        lines.append("- peers: " + "; ".join(peer.version for peer in bench.peers.values()))
    gone = sorted({reason for key, reason in bench.figures.missing.items() if key[1] not in bench.peers
                   and key[1] in {kind.name for kind in PEERS}})
    lines += [f"- **not available**: {reason}" for reason in gone]
    return "\n".join(lines)


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def figure_rows(bench, medians):
    rows = []
    for workload, clients in LETTERS.items():
        for client in clients:
            samples = bench.figures.samples.get((workload, client))
            title = TITLES.get(workload)
            if title and samples:
                rows.append([title, client, *measured_cells(workload, client, medians)])
            elif title and (workload, client) in bench.figures.missing:
                rows.append([title, client, "", "not available", "", "", "", ""])
    return rows


def measured_cells(workload, client, medians):
    def cell(name, form):
        try:
            return form(medians(workload, client, name))
        except KeyError:
            return ""
    rates = medians.all(workload, client, "rate")
    spread = f"{number(medians(workload, client))} ({number(min(rates))} to {number(max(rates))})"
    letter = cell("octets", lambda octets: f"{octets / 1000:,.1f} KB")
    return [cell("letters", lambda n: f"{n:,.0f}"), spread, cell("sending_rate", number), cell("memory", megabytes),
            letter, cell("connections", lambda n: f"{n:.0f}")]


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ") for cell in line) + " |"
                     for line in lines)


def write_between_markers(page, text):
    """Replaces the results in a page; its prose stays as it is."""
    written = page.read_text(encoding="utf-8")
    before, found, rest = written.partition(BEGIN)
    _, also_found, after = rest.partition(END)
    if not found or not also_found:
        raise ValueError(f"{page.name} has not the two markers")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
