"""Tests of plants.py: a tree that must pass, and for each rule a change to it that must fail."""

import stat
import tempfile
import unittest
from pathlib import Path

import plants

CATALOGUE = r"""
#define CONCLAVE_PLANTED_BUGS(X)                             \
  X(lies, "B36", "storage/disk.cc", "says done before it is", \
    "durability")                                            \
  X(forgets, "", "storage/disk.cc", "forgets", "liveness")
"""

GOOD = {
    "src/base/plant.h": "#ifdef CONCLAVE_PLANTS\n#endif\n",
    "src/base/plant/catalogue.h": CATALOGUE,
    "src/storage/CMakeLists.txt": "conclave_module(storage\n  PLANTED disk.cc\n  DEPS base)\n",
    "src/storage/disk.cc": '#include "base/plant.h"\nbool a = CONCLAVE_PLANT(lies) || CONCLAVE_PLANT(forgets);\n',
    "src/storage/plain.cc": '#include "storage/plain.h"\n',
    "docs/planted-bugs.md": "| name | bug | source | what | should be caught by | unit tests |\n| --- | --- | --- | --- | --- | --- |\n"
    "| `lies` | B36 | `storage/disk.cc` | says done before it is | durability | `Disk.A`, `Disk.B` |\n"
    "| `forgets` |  | `storage/disk.cc` | forgets | liveness | |\n",
}


class Check(unittest.TestCase):
    def errors(self, changes):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**GOOD, **changes}.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return "\n".join(plants.check(Path(folder)))

    def refused(self, part, changes):
        self.assertIn(part, self.errors(changes))

    def test_good_tree(self):
        self.assertEqual(self.errors({}), "")

    def test_site_without_a_bug_and_bug_without_a_site(self):
        self.refused("steals is not in", {"src/storage/disk.cc": GOOD["src/storage/disk.cc"] + "CONCLAVE_PLANT(steals)"})
        self.refused("forgets has no site in src/storage/disk.cc",
                     {"src/storage/disk.cc": '#include "base/plant.h"\nbool a = CONCLAVE_PLANT(lies);\n'})

    def test_only_named_sources_include_it(self):
        include = '#include "base/plant.h"\n'
        self.refused("src/storage/plain.cc: includes", {"src/storage/plain.cc": include})
        self.refused("no header", {"src/storage/plain.h": include})
        self.refused("no test", {"src/storage/disk_test.cc": include})
        self.refused("src/storage/plain.cc: stands under PLANTED",
                     {"src/storage/CMakeLists.txt": "conclave_module(storage PLANTED disk.cc plain.cc DEPS base)"})

    def test_nothing_else_looks_at_the_switch(self):
        self.refused("only base/plant.h may look", {"src/storage/plain.cc": "#ifdef CONCLAVE_PLANTS\n#endif\n"})

    def test_page_and_catalogue_agree(self):
        page = GOOD["docs/planted-bugs.md"]
        self.refused("of lies", {"docs/planted-bugs.md": page.replace("says done", "said done")})
        self.refused("the table is not", {"docs/planted-bugs.md": page + page.splitlines()[-1] + "\n"})

    def test_empty_catalogue(self):
        self.refused("no planted bug", {"src/base/plant/catalogue.h": ""})


class Absent(unittest.TestCase):
    def errors(self, program, control):
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / "program", Path(folder) / "control"]
            for path, data in zip(paths, (program, control)):
                path.write_bytes(data)
            return plants.absent(*paths, ["lies", "forgets"])

    def test_traces(self):
        control = b"..lies..forgets.."
        self.assertEqual(self.errors(b"\x7fELF all is well", control), [])
        for trace in (b"x lies y", b"_ZN8conclave5plant5firesE", b"CONCLAVE_PLANT"):
            self.assertEqual(len(self.errors(trace, control)), 1, trace)

    def test_control_that_would_show_nothing(self):
        self.assertIn("lacks forgets", self.errors(b"", b"lies")[0])


class Failures(unittest.TestCase):
    def failures(self, script):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "planted_storage_test"
            program.write_text("#!/bin/sh\n" + script, encoding="utf-8")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            return plants.failures(program, "lies")

    def test_failed_tests_and_crashes(self):
        self.assertEqual(self.failures("exit 0"), [])
        self.assertEqual(self.failures('echo "[  FAILED  ] Disk.A (0 ms)"; echo "[  FAILED  ] Disk.A"; exit 1'), ["Disk.A"])
        self.assertEqual(self.failures('echo "[ RUN      ] Disk.B"; kill -9 $$'), ["Disk.B"])
        self.assertEqual(self.failures("kill -9 $$"), ["crash"])

    def test_the_bug_is_named_to_the_program(self):
        self.assertEqual(self.failures('test "$CONCLAVE_PLANT" = lies'), [])


class Scenarios(unittest.TestCase):
    CATALOGUE = 'X(says_done, "B36", "storage/disk.cc", "says done", "durability")'
    HEADER = "# B36\n# Planted twins: says_done\n# (B36).\n\ncell\n----\nok\n"

    def errors(self, scenario, script):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in {plants.CATALOGUE: self.CATALOGUE, "tests/scenarios/disk/b36.txt": scenario}.items():
                (root / name).parent.mkdir(parents=True)
                (root / name).write_text(text, encoding="utf-8")
            program = root / "conclave_planted"
            program.write_text("#!/bin/sh\n" + script, encoding="utf-8")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            return "\n".join(plants.scenarios(root, program))

    def test_what_a_header_names_has_to_be_noticed(self):
        self.assertEqual(self.errors(self.HEADER, 'test "$CONCLAVE_PLANT" != says_done'), "")
        self.assertIn("does not notice says_done", self.errors(self.HEADER, "exit 0"))
        self.assertIn("does not notice says_done", self.errors(self.HEADER, "exit 2"))

    def test_unknown_bugs_and_files_that_name_none(self):
        self.assertIn("names said_done", self.errors(self.HEADER.replace("says_done", "said_done"), "exit 1"))
        self.assertEqual(self.errors("# B36\n\ncell says_done\n----\nok\n", "exit 0"), "")


if __name__ == "__main__":
    unittest.main()
