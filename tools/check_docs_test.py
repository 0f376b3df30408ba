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

    PAGE = "<!-- snippet: examples/a.cc#one -->\n```cpp\nint a;\n\n  int b;\n```\n"
    SOURCE = "// x\n  // [one]\n  int a;\n\n  // [two]\n    int b;\n  // [end]\nint c;\n// [three]\n"

    def test_a_snippet_as_its_source_has_it(self):
        self.assertEqual(self.check({"docs/a.md": self.PAGE, "examples/a.cc": self.SOURCE}), [])

    def test_a_snippet_that_differs(self):
        errors = self.check({"docs/a.md": self.PAGE, "examples/a.cc": self.SOURCE.replace("int b", "int B")})
        self.assertEqual(errors, ["docs/a.md:1: the code below is not [one] of examples/a.cc, which is\nint a;\n\n  int B;"])

    def test_a_snippet_without_code(self):
        errors = self.check({"docs/a.md": self.PAGE.replace("```cpp", "text"), "examples/a.cc": self.SOURCE})
        self.assertEqual(len(errors), 1)

    def test_a_snippet_of_nothing(self):
        for source in ({}, {"examples/a.cc": "// [one]\nint a;\n"}):
            self.assertEqual(self.check({"docs/a.md": self.PAGE, **source}),
                             ["docs/a.md:1: there is no part [one] ... [end] in examples/a.cc"])
        self.assertEqual(self.check({"docs/a.md": "<!-- snippet examples/a.cc -->\n"}),
                         ["docs/a.md:1: not a snippet: write <!-- snippet: FILE#NAME -->"])


if __name__ == "__main__":
    unittest.main()
