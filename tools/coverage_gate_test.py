"""Tests of coverage_gate.py."""

import contextlib
import io
import json
import os
import tempfile
import unittest

import coverage_gate


def file_entry(path, counts):
    return {"file": path, "lines": [{"line_number": i, "count": c} for i, c in enumerate(counts)]}


class CoverageGate(unittest.TestCase):
    def run_gate(self, files, gate, at_least="85"):
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as out:
            json.dump({"files": files}, out)
        self.addCleanup(os.unlink, out.name)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status = coverage_gate.main(["--at-least", at_least, "--gate", *gate, "--", out.name])
        return status, printed.getvalue()

    def test_passes_at_the_bound(self):
        status, printed = self.run_gate([file_entry("src/state/tree/tree.cc", [1] * 17 + [0] * 3)], ["state"])
        self.assertEqual(status, 0, printed)

    def test_fails_below_the_bound_and_names_the_file(self):
        status, printed = self.run_gate([file_entry("src/state/tree/tree.cc", [1] * 16 + [0] * 4)], ["state"])
        self.assertEqual(status, 1)
        self.assertIn("src/state/tree/tree.cc", printed)

    def test_sums_the_modules_of_a_folder(self):
        files = [file_entry("src/state/tree/a.cc", [1] * 90), file_entry("src/state/session/b.cc", [0] * 10)]
        status, printed = self.run_gate(files, ["state"])
        self.assertEqual(status, 0, printed)
        self.assertIn("90.0 %", printed)

    def test_a_folder_without_measured_lines_fails(self):
        status, _ = self.run_gate([file_entry("src/state/tree/a.cc", [1])], ["storage"])
        self.assertEqual(status, 1)


if __name__ == "__main__":
    unittest.main()
