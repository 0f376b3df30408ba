"""Of tools/bench: which rounds count, and what the table and the verdict make of them. No server is started."""
import pathlib
import sys
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "bench"))
import compare  # noqa: E402
from compare import Comparison  # noqa: E402
from measures import MEASURES, Measure, load  # noqa: E402
from report import Report  # noqa: E402
from systems import SYSTEMS  # noqa: E402

compare.say = lambda text: None


def settings(**changes):
    return types.SimpleNamespace(**({"systems": ["conclave", "zookeeper"], "rounds": 3, "retries": 2, "seconds": 1, "warmup": 0,
                                     "max_foreign": 0.3, "jvm_warm_s": 0, "budget_s": 100, "nodes": 1000} | changes))


class FakeSystem:
    """Answers runs with the next of the given noises."""
    protocol, title = "zookeeper", "fake"

    def __init__(self, noises=(), ops=100.0):
        self.noises, self.ops, self.arguments = list(noises), ops, []

    def pids(self):
        return []

    def load(self, arguments, seconds, warmup):
        self.arguments.append(arguments)
        noise = self.noises.pop(0) if self.noises else 0.0
        return {"ops_per_s": self.ops, "p50_us": 1e6 / self.ops, "p99_us": 9.0, "servers_cpu_us_per_op": 2.0,
                "foreign_cores": noise}


class Rounds(unittest.TestCase):
    def rounds(self, systems, measure=MEASURES["write"], clock=lambda: 0.0, **changes):
        comparison = Comparison(settings(**changes), {"write": measure}, clock)
        comparison.deadline = 50
        return comparison, comparison.rounds_of("write", measure, systems)

    def test_systems_are_loaded_in_turn(self):
        order = []
        systems = {"conclave": FakeSystem(), "zookeeper": FakeSystem()}
        for key, system in systems.items():
            system.load = lambda *a, key=key, answer=system.load: (order.append(key), answer(*a))[1]
        _, rounds = self.rounds(systems)
        self.assertEqual(order, ["conclave", "zookeeper"] * 3)
        self.assertEqual(len(rounds), 3)

    def test_a_noisy_round_is_broken_off_and_repeated(self):
        ours, theirs = FakeSystem([0.1, 0.31, 0.3, 0.2]), FakeSystem()
        comparison, rounds = self.rounds({"conclave": ours, "zookeeper": theirs})
        self.assertEqual(len(rounds), 3)
        self.assertEqual(comparison.discarded, [("write", "conclave", 0.31)])
        self.assertEqual(len(theirs.arguments), 3, "no run for the round that does not count")

    def test_retries_and_time_end(self):
        noisy = [9.0] * 20
        comparison, rounds = self.rounds({"conclave": FakeSystem(noisy)})
        self.assertEqual((len(rounds), len(comparison.discarded)), (0, 5))
        comparison, rounds = self.rounds({"conclave": FakeSystem(noisy)}, clock=lambda: 51.0)
        self.assertEqual(len(comparison.discarded), 1)
        self.assertIn("out of time after 1 rounds", comparison.notes[0])

    def test_a_system_that_cannot_be_asked_is_left_out(self):
        measure = Measure("some", load("write"), systems=("conclave",))
        _, rounds = self.rounds({"conclave": FakeSystem(), "roofline": FakeSystem()}, measure)
        self.assertEqual(set(rounds[0]), {"conclave"})

    def test_etcd_gets_its_own_arguments(self):
        etcd, ours = FakeSystem(), FakeSystem()
        etcd.protocol = "etcd"
        self.rounds({"conclave": ours, "etcd": etcd}, MEASURES["read"])
        self.assertIn("--serializable", etcd.arguments[0])
        self.assertNotIn("--serializable", ours.arguments[0])


def run_of(ops=0.0, p50=0.0, cpu=1.0):
    return {"ops_per_s": ops, "p50_us": p50, "p99_us": 9.0, "servers_cpu_us_per_op": cpu, "foreign_cores": 0.1}


class Tables(unittest.TestCase):
    def report(self, results, **changes):
        return Report(settings(**changes), MEASURES, results, [], [])

    def test_medians_ranges_and_ratios_within_rounds(self):
        rounds = [{"conclave": run_of(o), "zookeeper": run_of(t)} for o, t in ((100, 10), (400, 20), (300, 100))]
        row = list(self.report({"write": rounds}).rows())[0]
        self.assertEqual(row, ["1 KiB writes, 64 x 16", "300/s [100-400]", "20.0/s [10.0-100.0]", "10.00 [3.00-20.00]"])

    def test_the_floor_holds_in_both_directions(self):
        good = {"write": [{"conclave": run_of(11), "zookeeper": run_of(10)}] * 3,
                "latency": [{"conclave": run_of(p50=9), "zookeeper": run_of(p50=10)}] * 3}
        self.assertEqual(self.report(good).verdict(), (0, []))
        for name, bad in (("write", run_of(9)), ("latency", run_of(p50=11))):
            code, sentences = self.report(good | {name: [{"conclave": bad, "zookeeper": run_of(10, 10)}] * 3}).verdict()
            self.assertEqual(code, 1)
            self.assertIn("BELOW THE FLOOR", sentences[0])

    def test_no_quiet_round_is_no_verdict(self):
        report = self.report({"write": []})
        code, sentences = report.verdict()
        self.assertEqual(code, 2)
        self.assertIn("write: only 0 of 3 rounds were quiet", sentences)
        self.assertIn("1 KiB writes", report.text())

    def test_without_zookeeper_there_is_no_floor(self):
        rounds = [{"conclave": run_of(1), "roofline": run_of(10)}] * 3
        self.assertEqual(self.report({"write": rounds}, systems=["conclave", "roofline"]).verdict(), (0, []))

    def test_markdown_has_every_column_in_every_row(self):
        rounds = [{"conclave": run_of(10), "etcd": run_of(10)}] * 3
        page = self.report({"write": rounds}, systems=["conclave", "etcd", "roofline"]).markdown("abc")
        table = [line for line in page.splitlines() if line.startswith("|")]
        self.assertEqual({line.count("|") for line in table}, {7})
        self.assertIn("commit abc", page)

    def test_every_measure_names_systems_that_exist(self):
        for measure in MEASURES.values():
            self.assertLessEqual(set(measure.systems), set(SYSTEMS))


if __name__ == "__main__":
    unittest.main()
