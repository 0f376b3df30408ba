"""The table of a comparison: as text with the verdict, as Markdown for docs/performance.md, as JSON."""
import dataclasses
import datetime
import json
import statistics

from measures import DETAILS
from systems import SYSTEMS


@dataclasses.dataclass
class Spread:
    """A median and the range around it."""
    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values), len(values)) if values else None

    def text(self, digits=0, unit=""):
        middle = f"{self.median:,.{digits}f}{unit}"
        return middle if self.count < 2 else f"{middle} [{self.low:,.{digits}f}-{self.high:,.{digits}f}]"


def figures(rounds, system, figure, scale=1.0):
    return Spread.of([one[system][figure] / scale for one in rounds if system in one and figure in one[system]])


def ratios(rounds, ours, theirs, figure):
    """Ours over theirs, within each round."""
    pairs = [(one[ours][figure], one[theirs][figure]) for one in rounds if ours in one and theirs in one]
    return Spread.of([o / t for o, t in pairs if t])


def digits_of(spread):
    return 0 if spread.median >= 100 else 1


class Report:
    def __init__(self, settings, measures, results, discarded, notes):
        self.settings = settings
        self.measures = measures
        self.results = results
        self.discarded = discarded
        self.notes = list(notes)
        kinds = []
        for kind in settings.systems:
            kinds.append(kind if kind not in kinds else f"{kind} again")
        self.systems, self.ours = kinds, kinds[0]

    def title_of(self, system):
        return SYSTEMS[system.split()[0]].title + ("" if " " not in system else " again")

    def header(self):
        return ["", *map(self.title_of, self.systems), *(f"/ {self.title_of(other)}" for other in self.systems[1:])]

    def rows(self):
        """Rows of cells: each measure, then its details with the title indented."""
        for name, rounds in self.results.items():
            measure = self.measures[name]
            title = measure.title.format(nodes=self.settings.nodes)
            if measure.smaller_is_better:
                title += " (less is better)"
            yield self.row(rounds, title, measure.figure, measure.unit, measure.scale)
            for detail in (DETAILS[key] for key in measure.details):
                yield self.row(rounds, "  " + detail.title, detail.figure, " " + detail.unit, 1.0, detail.digits)

    def row(self, rounds, title, figure, unit, scale, digits=None):
        cells = [title]
        for system in self.systems:
            spread = figures(rounds, system, figure, scale)
            cells.append(spread.text(digits_of(spread) if digits is None else digits, unit) if spread else "-")
        for other in self.systems[1:]:
            spread = ratios(rounds, self.ours, other, figure)
            cells.append(spread.text(2) if spread else "-")
        return cells

    def verdict(self):
        """(exit code, sentences): what is below its floor, and what cannot be told."""
        code, sentences = 0, []
        for name, rounds in self.results.items():
            measure = self.measures[name]
            wanted = measure.rounds or self.settings.rounds
            if len(rounds) < wanted:
                sentences.append(f"{name}: only {len(rounds)} of {wanted} rounds were quiet")
            reference = next((s for s in self.systems[1:] if s.split()[0] == "zookeeper"), None)
            if not rounds:
                code = code or 2
                continue
            if reference is None or self.ours.split()[0] != "conclave":
                continue
            ratio = ratios(rounds, self.ours, reference, measure.figure)
            if ratio is None:
                continue
            factor = 1 / ratio.median if measure.smaller_is_better else ratio.median
            if factor < measure.floor:
                code = 1
                sentences.append(f"{name}: {factor:.2f} times as good as ZooKeeper, BELOW THE FLOOR of {measure.floor:g}")
        return code, sentences

    def closing(self):
        foreign = max((run["foreign_cores"] for rounds in self.results.values() for one in rounds for run in one.values()),
                      default=0.0)
        lines = [f"others used at most {foreign:.2f} cores in a round; {len(self.discarded)} rounds were discarded because they "
                 f"used more than {self.settings.max_foreign}"]
        return lines + self.notes + self.verdict()[1]

    def text(self):
        table = [self.header(), *self.rows()]
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        lines = ["  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
                 for row in table]
        return "\n".join(["", *lines, "", *self.closing()])

    def markdown(self, commit):
        """A page of its own part: when, what, the table, what was discarded."""
        header = self.header()
        lines = [f"Measured on {datetime.date.today().isoformat()} at commit {commit}: {self.settings.rounds} rounds of "
                 f"{self.settings.seconds:g} s, medians and [ranges]; the last columns are {self.title_of(self.ours)} divided by "
                 "each of the others, within a round.", "",
                 "| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
        for row in self.rows():
            title = row[0].replace("  ", "&nbsp;&nbsp;", 1) if row[0].startswith("  ") else row[0]
            lines.append("| " + " | ".join([title, *row[1:]]) + " |")
        return "\n".join([*lines, "", *(f"- {line}" for line in self.closing())]) + "\n"

    def json(self):
        return json.dumps({"rounds": self.results, "discarded": self.discarded, "notes": self.notes}, indent=1)
