#!/usr/bin/env python3
"""packages.txt is well-formed, and what is missing is found."""
import unittest

import install_packages


class InstallPackages(unittest.TestCase):
    def test_every_row_names_a_package_and_a_need(self):
        for line in install_packages.LIST.read_text().splitlines():
            row = line.split("#")[0].split()
            if row:
                self.assertEqual(2, len(row), line)
                self.assertIn(row[1], install_packages.NEEDS, line)

    def test_needs_select_rows(self):
        self.assertIn("g++", install_packages.wanted(["run"]))
        self.assertNotIn("libgtest-dev", install_packages.wanted(["run"]))
        self.assertIn("libgtest-dev", install_packages.wanted(["run", "test"]))

    def test_an_absent_package_is_missing(self):
        self.assertEqual(["no-such-package-at-all"],
                         install_packages.missing(["dpkg", "no-such-package-at-all"]))


if __name__ == "__main__":
    unittest.main()
