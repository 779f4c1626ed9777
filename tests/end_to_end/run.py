#!/usr/bin/env python3
"""The end-to-end tests: the program as people use it, with the real default model.
usage: run.py BINARY [TEST...]      the model is the one in $OVERTAKE_HOME, see tools/get_model.py"""
import pathlib
import sys
import unittest

import program

HERE = pathlib.Path(__file__).resolve().parent


def main():
    program.BINARY = str(pathlib.Path(sys.argv[1]).resolve())
    loader = unittest.TestLoader()
    names = sys.argv[2:]
    suite = (loader.loadTestsFromNames(names) if names
             else loader.discover(str(HERE), pattern="test_*.py"))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    print(f"{result.testsRun - len(result.failures) - len(result.errors)} passed, "
          f"{len(result.failures) + len(result.errors)} failed")
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
