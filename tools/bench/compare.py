"""Runs the measures: which system is loaded when, and which rounds count.

All systems run all the time and are loaded in turn, so that a machine whose speed drifts treats them alike; what counts are
the ratios within a round. A round in which others used too much of the machine is broken off, and repeated.
"""
import sys
import time

from measures import figures_of, load
from systems import cpu_seconds, running


def say(text):
    print(text, file=sys.stderr, flush=True)


class Comparison:
    """`settings`: systems, measures (names), rounds, retries, seconds, warmup, max_foreign, jvm_warm_s, budget_s, nodes."""

    def __init__(self, settings, measures, clock=time.monotonic):
        self.settings = settings
        self.measures = measures
        self.clock = clock
        self.deadline = None
        self.results = {}    # measure -> [{system -> figures}], one dict a round
        self.discarded = []  # (measure, system, foreign cores)
        self.notes = []

    def run_all(self):
        shared = {name: m for name, m in self.measures.items() if not m.fresh}
        if shared:
            with running(self.settings.systems) as systems:
                self.warm(systems)
                self.deadline = self.clock() + self.settings.budget_s
                for name, measure in shared.items():
                    self.results[name] = self.rounds_of(name, measure, systems)
        for name, measure in self.measures.items():
            if measure.fresh:
                self.results[name] = self.fresh_rounds_of(name, measure)

    def warm(self, systems):
        for system in systems.values():
            seconds = self.settings.jvm_warm_s if system.jvm else 4
            say(f"warming {system.title}: {seconds} s")
            for workload in ("write", "read"):
                system.load(load(workload), seconds / 2, 0)

    def rounds_of(self, name, measure, systems):
        able = {key: system for key, system in systems.items() if key.split()[0] in measure.systems}
        rounds, wanted = [], measure.rounds or self.settings.rounds
        for tried in range(wanted + self.settings.retries):
            if len(rounds) == wanted:
                break
            if tried and self.clock() > self.deadline:
                self.notes.append(f"{name}: out of time after {tried} rounds")
                break
            one = self.one_round(name, measure, able, systems)
            if one is not None:
                rounds.append(one)
        return rounds

    def one_round(self, name, measure, able, systems):
        """{system: figures}, or None if others used too much meanwhile."""
        figures = {}
        for key, system in able.items():
            idle = [other for other in systems.values() if other is not system]
            figures[key] = self.one_run(measure, system, idle)
            noise = figures[key]["foreign_cores"]
            if noise > self.settings.max_foreign:
                self.discarded.append((name, key, noise))
                say(f"{name}: discarded, others used {noise:.2f} cores beside {key}")
                return None
        say(f"{name}: " + "  ".join(f"{key} {run[measure.figure] / measure.scale:,.0f}{measure.unit}"
                                    for key, run in figures.items()))
        return figures

    def one_run(self, measure, system, idle):
        """The figures of one run. What idle systems of ours use on their own is not foreign."""
        pids = [pid for other in idle for pid in other.pids()]
        idle_before, started = cpu_seconds(pids), self.clock()
        run = (measure.probe or figures_of)(system, measure, self.settings)
        idle_cores = (cpu_seconds(pids) - idle_before) / max(self.clock() - started, 1e-9)
        run["foreign_cores"] = round(max(0.0, run["foreign_cores"] - idle_cores), 3)
        return run

    def fresh_rounds_of(self, name, measure):
        rounds = []
        for _ in range(measure.rounds or self.settings.rounds):
            figures = {}
            for kind in dict.fromkeys(self.settings.systems):
                if kind not in measure.systems:
                    continue
                with running([kind]) as systems:
                    figures |= self.one_round(name, measure, systems, systems) or {}
            rounds.append(figures)
        return rounds
