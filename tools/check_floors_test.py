#!/usr/bin/env python3
"""check_floors.py catches each kind of violation, and lets what is right pass."""
import pathlib
import tempfile
import unittest

import check_floors


class CheckFloors(unittest.TestCase):
    def violations(self, path, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, path)
            file.parent.mkdir(parents=True)
            file.write_text(text)
            return list(check_floors.violations(pathlib.Path(folder)))

    def test_lower_floor_own_folder_and_system_headers_pass(self):
        right = '#include "tensor/ops.h"\n#include "model/arch.h"\n#include <fmt/core.h>\n'
        self.assertEqual([], self.violations("model/arch/a.cc", right))
        right = "#include <vector>\n#include <sys/mman.h>\n#include <nlohmann/json_fwd.hpp>\n"
        self.assertEqual([], self.violations("base/a.h", right))

    def test_upward_include_is_caught(self):
        self.assertEqual(1, len(self.violations("tensor/a.cc", '#include "model/arch.h"\n')))

    def test_same_floor_is_caught(self):
        self.assertEqual(1, len(self.violations("token/a.h", '# include "catalog/store.h"\n')))

    def test_folder_without_floor_is_caught(self):
        self.assertEqual(1, len(self.violations("utils/a.h", "")))
        self.assertEqual(1, len(self.violations("cli/a.cc", '#include "utils/a.h"\n')))

    def test_types_of_one_name_in_one_namespace_are_caught(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            one = "namespace overtake {\nstruct Part {\n};\n}\n"
            (root / "a.h").write_text(one)
            (root / "b.h").write_text("namespace overtake {\nstruct Part;\n}\n")
            (root / "c.h").write_text(one.replace("overtake", "overtake::jinja"))
            self.assertEqual([], list(check_floors.same_names(root)))
            (root / "d.h").write_text(one.replace("struct Part", "class Part final : Base"))
            self.assertEqual(1, len(list(check_floors.same_names(root))))

    def test_third_party_header_in_a_header_is_caught(self):
        self.assertEqual(1, len(self.violations("net/a.h", "#include <boost/asio.hpp>\n")))
        self.assertEqual(1, len(self.violations("base/a.h", "#include <fmt/core.h>\n")))
        self.assertEqual(1, len(self.violations("base/a.h", "#include <utf8proc.h>\n")))

    def test_what_tests_share_may_include_their_framework(self):
        framework = "#include <gtest/gtest.h>\n"
        self.assertEqual([], self.violations("tensor/a_test_support.h", framework))
        self.assertEqual(1, len(self.violations("tensor/a.h", framework)))


if __name__ == "__main__":
    unittest.main()
