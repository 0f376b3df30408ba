"""Tests of check_docs.py: a tree that must pass, and for each rule a change to it that must fail."""

import tempfile
import unittest
from pathlib import Path

import check_docs

GOOD = {
    "docs/layers.toml": "[base]\nlayer = 0\nmay_include = []\n",
    "docs/architecture.md": "| 0 | `base` | strong ids | - |\n",
    "docs/adr/README.md": "[1](0001-a.md)\n",
    "docs/adr/0001-a.md": "see [the tour](../architecture.md#layers) and [elsewhere](https://example.org/x)\n",
    "docs/requirements/paxos.md": "| PX-09 | phase 2 |\n| B36 | fsync |\n",
    "src/base/README.md": "base\n",
    "src/base/a_test.cc": "// PX-09, B36\nint B77;\n",
}


class CheckDocs(unittest.TestCase):
    def check(self, changes):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**GOOD, **changes}.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return check_docs.check(folder)

    def test_the_good_tree_passes(self):
        self.assertEqual(self.check({}), [])

    def test_a_dead_link(self):
        self.assertEqual(self.check({"README.md": "\n[x](docs/none.md)\n"}),
                         ["README.md:2: link to docs/none.md, which does not exist"])

    def test_an_undefined_number(self):
        for cited in ("PX-99", "B99"):
            self.assertEqual(self.check({"src/base/a.h": f"// {cited}\n"}),
                             [f"src/base/a.h:1: {cited} is not defined in docs/requirements"])

    def test_a_module_that_the_tour_forgets(self):
        errors = self.check({"docs/layers.toml": GOOD["docs/layers.toml"] + "[env]\nlayer = 1\nmay_include = []\n"})
        self.assertEqual(errors, ["docs/architecture.md: the layer table has no row for env"])

    def test_a_decision_that_the_index_forgets(self):
        self.assertEqual(self.check({"docs/adr/0002-b.md": "b\n"}), ["docs/adr/README.md: does not list 0002-b.md"])

    def test_a_long_module_readme(self):
        self.assertEqual(self.check({"src/base/README.md": "x\n" * 61}), ["src/base/README.md: more than 60 lines"])


if __name__ == "__main__":
    unittest.main()
