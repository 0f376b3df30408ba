"""Tests of test_report.py."""

import tempfile
import unittest
from pathlib import Path

import test_report

GTEST = """<testsuites><testsuite name="S">
  <testcase name="a" status="run" result="completed"/>
  <testcase name="b" status="run" result="completed">{failure}</testcase>
  <testcase name="c" status="run" result="skipped"><skipped/></testcase>
  <testcase name="d" status="notrun" result="suppressed"/>
</testsuite></testsuites>"""


def junit(*entries):
    rows = "".join(
        f'<testcase name="{name}" status="{status}">{"" if status == "run" else "<failure/>"}</testcase>'
        for name, status in entries
    )
    return f"<testsuite>{rows}</testsuite>"


class TestReport(unittest.TestCase):
    def count(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                (Path(folder) / name).write_text(text)
            return test_report.count(folder)

    def test_counts_the_cases_of_a_program(self):
        files = {"ctest.junit": junit(("tree", "run")), "tree_test.xml": GTEST.format(failure="")}
        self.assertEqual(self.count(files), (2, 0, 1))

    def test_counts_failed_cases(self):
        files = {"ctest.junit": junit(("tree", "fail")), "tree_test.xml": GTEST.format(failure="<failure/>")}
        self.assertEqual(self.count(files), (1, 1, 1))

    def test_a_program_that_crashed_wrote_no_xml_and_is_one_failure(self):
        self.assertEqual(self.count({"ctest.junit": junit(("tree", "fail"))}), (0, 1, 0))

    def test_a_program_with_a_broken_xml_is_one_failure(self):
        self.assertEqual(self.count({"ctest.junit": junit(("tree", "fail")), "tree_test.xml": "<testsu"}), (0, 1, 0))

    def test_a_failure_at_exit_is_not_lost_when_every_case_passed(self):
        files = {"ctest.junit": junit(("tree", "fail")), "tree_test.xml": GTEST.format(failure="")}
        self.assertEqual(self.count(files), (2, 1, 1))

    def test_a_plain_program_is_one_test(self):
        self.assertEqual(self.count({"ctest.junit": junit(("script", "run"))}), (1, 0, 0))


if __name__ == "__main__":
    unittest.main()
