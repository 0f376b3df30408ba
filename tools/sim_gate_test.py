import unittest

import sim_gate

GOOD = {"seeds": 640, "simulated_hours": 22.1, "fault_kinds": 32, "linear_checked": 600_000, "order_blind_checked": 90_000,
        "watch_events": 60_000, "recoveries": 7_000, "failed": 0, "repeated": 64}


class SimGate(unittest.TestCase):
    def test_enough_is_enough(self):
        self.assertEqual(sim_gate.short_falls(GOOD), [])

    def test_every_figure_is_held_against_its_bound(self):
        for name in sim_gate.AT_LEAST:
            short = sim_gate.short_falls({**GOOD, name: sim_gate.AT_LEAST[name] - 1})
            self.assertIn(name, " ".join(short))

    def test_the_lock_service_has_bounds_of_its_own(self):
        good = {name: bound for name, bound in sim_gate.AT_LEAST_LOCKS.items()} | {"seeds": 100, "failed": 0, "repeated": 10}
        self.assertEqual(sim_gate.short_falls(good, sim_gate.AT_LEAST_LOCKS), [])
        self.assertIn("grants", sim_gate.short_falls({**good, "grants": 0}, sim_gate.AT_LEAST_LOCKS)[0])

    def test_raft_has_bounds_of_its_own(self):
        good = {name: bound for name, bound in sim_gate.AT_LEAST_RAFT.items()} | {"failed": 0, "repeated": 15}
        self.assertEqual(sim_gate.short_falls(good, sim_gate.AT_LEAST_RAFT), [])
        for name, bound in sim_gate.AT_LEAST_RAFT.items():
            self.assertIn(name, " ".join(sim_gate.short_falls({**good, name: bound - 1}, sim_gate.AT_LEAST_RAFT)))

    def test_changes_of_members_have_bounds_of_their_own(self):
        good = {name: bound for name, bound in sim_gate.AT_LEAST_MEMBERS.items()} | {"seeds": 100, "failed": 0, "repeated": 12}
        self.assertEqual(sim_gate.short_falls(good, sim_gate.AT_LEAST_MEMBERS), [])
        self.assertIn("memberships", sim_gate.short_falls({**good, "memberships": 0}, sim_gate.AT_LEAST_MEMBERS)[0])

    def test_a_failed_seed_fails(self):
        self.assertEqual(sim_gate.short_falls({**GOOD, "failed": 1}), ["failed: 1, at most 0 wanted"])

    def test_a_tenth_is_repeated(self):
        self.assertIn("repeated", sim_gate.short_falls({**GOOD, "repeated": 63})[0])

    def test_speed(self):
        standard = {"simulated_hours": 0.5, "core_seconds": 10, "failed": 0}
        self.assertEqual(sim_gate.too_slow(standard), [])
        self.assertEqual(sim_gate.too_slow({**standard, "core_seconds": 20}),
                         ["90 simulated seconds a core-second, at least 100 wanted"])
        self.assertIn("1 failed", sim_gate.too_slow({**standard, "failed": 1})[0])


if __name__ == "__main__":
    unittest.main()
