"""Tests of check_layers.py: a tree that must pass, and for each rule a change to it that must fail."""

import tempfile
import unittest
from pathlib import Path

import check_layers

TABLE = """
[base]
layer = 0
may_include = []
[env]
layer = 1
may_include = ["base"]
["state/tree"]
layer = 2
may_include = ["base"]
["sim/world"]
layer = 2
may_include = ["env", "base"]
[os]
layer = 2
may_include = ["env", "base"]
[replica]
layer = 4
may_include = ["state/tree", "env", "base"]
["frontend/zookeeper"]
layer = 5
may_include = ["replica", "base"]
only = { replica = ["replica/gateway.h"] }
[app]
layer = 7
may_include = ["*"]
"""

GOOD = {
    "docs/layers.toml": TABLE,
    "src/base/ids.h": "#include <cstdint>\n",
    "src/env/clock.h": '#include "base/ids.h"\n',
    "src/state/tree/tree.h": '#include "base/ids.h"\n',
    "src/state/tree/tree.cc": '#include "state/tree/tree.h"\n',
    "src/state/tree/tree_test.cc": '#include "sim/world/world.h"\n#include "state/tree/testing.h"\n',
    "src/state/tree/testing.h": '#include "state/tree/tree.h"\n',
    "src/state/tree/CMakeLists.txt": "conclave_module(state/tree DEPS base TEST_DEPS sim/world)\n",
    "src/sim/world/world.h": '#include "env/clock.h"\n',
    "src/os/clock.cc": '#include <chrono>\n#include "env/clock.h"\n',
    "src/replica/gateway.h": '#include "state/tree/tree.h"\n',
    "src/replica/driver.h": '#include "env/clock.h"\n',
    "src/frontend/zookeeper/server.cc": '#include "replica/gateway.h"\n',
    "src/app/main.cc": '#include "os/clock.cc"\n#include "replica/driver.h"\n',
}


class CheckLayers(unittest.TestCase):
    def check_files(self, changes):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**GOOD, **changes}.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            checker = check_layers.Checker(folder)
            checker.run()
            self.warnings = checker.warnings
            return checker.errors

    def assert_one_error(self, errors, *parts):
        self.assertEqual(len(errors), 1, errors)
        for part in parts:
            self.assertIn(part, errors[0])

    def test_the_good_tree_passes(self):
        self.assertEqual(self.check_files({}), [])

    def test_what_is_generated_from_a_proto_counts_as_the_proto(self):
        includes = '#include "state/tree/tree.pb.h"\n#include "state/tree/tree.grpc.pb.h"\n'
        errors = self.check_files({"src/replica/driver.h": includes})
        self.assertEqual(len(errors), 2, errors)
        self.assertEqual(self.check_files({"src/replica/driver.h": includes, "src/state/tree/tree.proto": ""}), [])

    def test_an_include_of_a_higher_layer_fails(self):
        errors = self.check_files({"src/state/tree/tree.cc": '\n#include "replica/driver.h"\n'})
        self.assert_one_error(errors, "src/state/tree/tree.cc:2", "state/tree (layer 2) may not include replica (layer 4)")

    def test_an_include_of_a_sibling_fails(self):
        errors = self.check_files({"src/os/x.cc": '#include "state/tree/tree.h"\n'})
        self.assert_one_error(errors, "os (layer 2) may not include state/tree")

    def test_an_allowed_module_is_open_only_as_far_as_the_only_list(self):
        errors = self.check_files({"src/frontend/zookeeper/server.cc": '#include "replica/driver.h"\n'})
        self.assert_one_error(errors, "may include only replica/gateway.h")

    def test_os_is_for_app_alone(self):
        errors = self.check_files({"src/replica/driver.h": '#include "os/clock.cc"\n'})
        self.assert_one_error(errors, "replica (layer 4) may not include os")

    def test_os_may_not_be_let_into_a_row(self):
        table = TABLE.replace('["state/tree", "env", "base"]', '["state/tree", "os", "env", "base"]')
        self.assert_one_error(self.check_files({"docs/layers.toml": table}), "[replica]", "'os' is a plug")

    def test_the_simulated_world_is_for_tests(self):
        include = '#include "sim/world/world.h"\n'
        self.assertEqual(self.check_files({"src/replica/driver_test.cc": include}), [])
        self.assert_one_error(self.check_files({"src/replica/driver.cc": include}), "may not include sim/world")

    def test_a_test_helper_stays_out_of_the_program(self):
        errors = self.check_files({"src/state/tree/tree.cc": '#include "state/tree/testing.h"\n'})
        self.assert_one_error(errors, "is a test helper")

    def test_a_table_row_may_not_point_upwards(self):
        table = TABLE.replace('["state/tree"]\nlayer = 2\nmay_include = ["base"]',
                              '["state/tree"]\nlayer = 2\nmay_include = ["base", "replica"]')
        self.assert_one_error(self.check_files({"docs/layers.toml": table}), "'replica' is not of a lower layer")

    def test_a_table_row_may_not_name_an_unknown_module(self):
        table = TABLE.replace('["replica", "base"]', '["replica", "base", "raft"]')
        self.assert_one_error(self.check_files({"docs/layers.toml": table}), "'raft', which has no row")

    def test_a_file_outside_every_module_fails(self):
        self.assert_one_error(self.check_files({"src/misc/x.cc": "\n"}), "src/misc/x.cc", "belongs to no module")

    def test_a_path_not_from_src_fails(self):
        self.assert_one_error(self.check_files({"src/state/tree/tree.cc": '#include "tree.h"\n'}), "is no file under src/")

    def test_outside_libraries_may_stand_in_quotes(self):
        self.assertEqual(self.check_files({"src/replica/driver.h": '#include "absl/container/btree_map.h"\n'}), [])
        errors = self.check_files({"src/replica/driver.h": '#include "boost/asio.hpp"\n'})
        self.assert_one_error(errors, "reaches into the real world")

    def test_the_real_world_is_for_os_and_app(self):
        for header in ("chrono", "thread", "sys/socket.h", "fstream", "random", "boost/asio.hpp"):
            errors = self.check_files({"src/replica/driver.h": f"#include <{header}>\n"})
            self.assert_one_error(errors, f"<{header}> reaches into the real world")
        self.assertEqual(self.check_files({"src/app/main.cc": "#include <thread>\n"}), [])

    def test_cmake_links_are_those_of_the_table(self):
        name = "src/state/tree/CMakeLists.txt"
        errors = self.check_files({name: "conclave_module(state/tree DEPS base env)\n"})
        self.assert_one_error(errors, name, "state/tree may not link env (DEPS)")
        errors = self.check_files({name: "conclave_module(state/tree DEPS base sim/world)\n"})
        self.assert_one_error(errors, "may not link sim/world (DEPS)")
        errors = self.check_files({name: "conclave_module(replica DEPS base)\n"})
        self.assert_one_error(errors, "declares module 'replica' in the folder of 'state/tree'")
        self.assertEqual(self.check_files({name: "# conclave_module(x DEPS y)\n"}), [])

    def test_a_part_of_a_module_stands_in_its_row(self):
        name = "src/state/tree/CMakeLists.txt"
        self.assertEqual(self.check_files({name: "conclave_module(state/tree/acl DEPS base)\n"}), [])
        errors = self.check_files({name: "conclave_module(state/tree/acl DEPS env)\n"})
        self.assert_one_error(errors, "state/tree/acl may not link env")

    def test_long_files(self):
        self.assertEqual(self.check_files({"src/base/x.cc": "\n" * 600}), [])
        self.assertEqual(self.warnings, ["src/base/x.cc: 600 lines, above 500"])
        self.assert_one_error(self.check_files({"src/base/x.cc": "\n" * 601}), "601 lines")

    def test_places_on_a_machine(self):
        home = "/".join(["", "home", "ada", "x"])
        self.assert_one_error(self.check_files({"docs/x.md": f"see {home}\n"}), "docs/x.md:1", "names a place")
        self.assertEqual(self.check_files({"docs/x.md": "set /app/home/ada/x and /var/lib/conclave\n"}), [])

    def test_the_checkout_itself_is_a_place_on_a_machine(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**GOOD, "docs/x.md": f"built in {Path(folder).resolve()}/build\n"}.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            checker = check_layers.Checker(folder)
            checker.run()
            self.assert_one_error(checker.errors, "docs/x.md:1")


if __name__ == "__main__":
    unittest.main()
