"""Tests of traceability.py: a tree that must pass, and for each rule a change to it that must fail."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import traceability

GOOD = {
    "docs/requirements/chubby.md": "| number | statement |\n| CH-30 | Open returns a handle. |\n| CH-31 | Bound. |\n"
                                   "| CH-01 | A purpose. |\n",
    "docs/requirements/untested.toml": 'CH-01 = "a purpose"\n',
    "src/front/a_test.cc": "// CH-30 … CH-31\n\nTEST_F(A, CH_30_Open) {\n}\n\n// CH-31\nTEST(A, Gone) {\n}\n",
    "tests/system/b_test.py": "    def test_open(self):\n        pass  # CH-30\n",
}


class Traceability(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.put(GOOD)

    def put(self, files):
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def errors(self, changes):
        self.put(changes)
        return traceability.make(self.root)[1]

    def run_tool(self, *flags):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
            return traceability.main(["", *flags, str(self.root)]), said.getvalue()

    def test_the_good_tree_passes(self):
        table, errors = traceability.make(self.root)
        self.assertEqual(errors, [])
        self.assertIn("| CH-30 | Open returns a handle. | `src/front/a_test.cc`: Open<br>"
                      "`tests/system/b_test.py`: test_open |\n", table)
        self.assertIn("| CH-31 | Bound. | `src/front/a_test.cc`: Gone |\n", table)
        self.assertIn("| CH-01 | A purpose. | *none:* a purpose |\n", table)

    def test_what_is_written_is_up_to_date(self):
        self.assertEqual(self.run_tool()[0], 0)
        self.assertEqual(self.run_tool("--check")[0], 0)

    def test_a_table_that_is_out_of_date_or_missing(self):
        self.assertIn("out of date", self.run_tool("--check")[1])
        self.run_tool()
        self.put({"src/front/a_test.cc": GOOD["src/front/a_test.cc"].replace("Gone", "Ended")})
        status, said = self.run_tool("--check")
        self.assertEqual(status, 1)
        self.assertIn("out of date", said)

    def test_a_number_with_neither_test_nor_reason(self):
        self.assertEqual(self.errors({"docs/requirements/untested.toml": ""}),
                         ["CH-01 has no test, and docs/requirements/untested.toml no reason why"])

    def test_a_range_shows_nothing(self):
        self.assertEqual(self.errors({"src/front/a_test.cc": "// CH-30 … CH-31\nTEST(A, CH_30_Open) {}\n"}),
                         ["CH-31 has no test, and docs/requirements/untested.toml no reason why"])

    def test_a_reason_for_what_has_a_test(self):
        self.assertEqual(self.errors({"docs/requirements/untested.toml": 'CH-01 = "x"\nCH-30 = "x"\n'}),
                         ["docs/requirements/untested.toml: CH-30 has a test, and needs no reason"])

    def test_a_reason_for_what_is_no_requirement(self):
        self.assertEqual(self.errors({"docs/requirements/untested.toml": 'CH-01 = "x"\nCH-99 = "x"\n'}),
                         ["docs/requirements/untested.toml: CH-99 is no requirement"])

    def test_long_statements_are_cut_between_words(self):
        self.assertEqual(traceability.first_words("x" * 50 + " `Open(a, b)` and more of it"), "x" * 50 + " `Open(a` …")


if __name__ == "__main__":
    unittest.main()
