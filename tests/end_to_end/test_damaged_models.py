"""400 damaged model files, each given to three commands: never a crash, never a hang, always either
a result or an error in words."""
import concurrent.futures
import os
import pathlib
import random
import resource
import struct
import subprocess
import tempfile
import unittest

import program
import small_model

N_SMALL, N_CONTRADICTORY, N_REAL = 220, 100, 80
SEED = int(os.environ.get("OVERTAKE_DAMAGE_SEED", 0)) * 10_000  # make soak tries others
TIMEOUT_S = 10
MEMORY_BYTES = 8 << 30
EXTREMES = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32,
            (1 << 63) - 1, 1 << 63, (1 << 64) - 1]


def flip_bytes(data, length, rng):
    for _ in range(rng.choice([1, 2, 8, 64])):
        data[rng.randrange(length)] = rng.randrange(256)


def write_extreme(data, length, rng):
    width = rng.choice([4, 8])
    at = rng.randrange(max(1, length - width))
    data[at:at + width] = struct.pack("<Q", rng.choice(EXTREMES))[:width]


def change_count(data, length, rng):
    """The numbers of tensors and entries, the version, the magic."""
    at, form = rng.choice([(0, "<I"), (4, "<I"), (8, "<Q"), (16, "<Q")])
    value = rng.choice(EXTREMES + [rng.randrange(1 << 16)]) & (0xFFFFFFFF if form == "<I" else ~0)
    struct.pack_into(form, data, at, value)


def truncate(data, length, rng):
    del data[rng.randrange(length):]


def remove_slice(data, length, rng):
    at = rng.randrange(length)
    del data[at:at + rng.randrange(1, 64)]


def insert_slice(data, length, rng):
    at = rng.randrange(length)
    data[at:at] = rng.randbytes(rng.randrange(1, 64))


def repeat_slice(data, length, rng):
    a, b = rng.randrange(length), rng.randrange(length)
    size = rng.randrange(1, 256)
    data[a:a + size] = data[b:b + size]


def poison_weights(data, length, rng):
    """NaN, infinities and huge numbers among the weights (behind the header)."""
    for _ in range(8):
        at = rng.randrange(length, len(data) - 4) // 4 * 4 if len(data) > length + 4 else 0
        data[at:at + 4] = rng.choice([b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\xff"])


DAMAGES = [flip_bytes, write_extreme, write_extreme, change_count, truncate, remove_slice,
           insert_slice, repeat_slice, poison_weights]


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def complaint(arguments):
    """What is wrong with how the program took the file; None if nothing."""
    try:
        done = subprocess.run([program.BINARY, *arguments], capture_output=True, timeout=TIMEOUT_S,
                              preexec_fn=limit_memory, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return "hangs"
    if done.returncode not in (0, 1, 2):
        return f"ends with {done.returncode}: {done.stderr[-300:]}"
    if done.returncode != 0 and b"overtake: " not in done.stderr:
        return f"fails without a message: {done.stderr[-300:]}"
    return None


class DamagedModels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="overtake_damaged_")
        cls.small, cls.small_header = small_model.write()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def real_model(self):
        """The default model's header, its length, and the file's size."""
        home = pathlib.Path(os.environ.get("OVERTAKE_HOME") or
                            pathlib.Path.home() / ".local/share/overtake")
        path = next((home / "models/smollm2").glob("*.gguf"))
        with open(path, "rb") as file:
            header = file.read(4 << 20)  # metadata, tensor table, and some weights
        return header, path.stat().st_size

    @staticmethod
    def commands(path, out):
        return (["show", path], ["logits", path, "--ids", "1,2,3", "--out", out],
                ["run", path, "hello", "--max-tokens", "1"])

    def check(self, name, data, size=None):
        path = os.path.join(self.folder.name, name.split("{")[0] + ".gguf")
        with open(path, "wb") as file:
            file.write(data)
            if size:
                file.truncate(size)  # a hole: weights of zero
        out = path + ".safetensors"
        found = []
        for arguments in self.commands(path, out):
            problem = complaint(arguments)
            if problem:
                found.append(f"{name}: overtake {arguments[0]} {problem}")
        for leftover in (path, out):
            if os.path.exists(leftover):
                os.remove(leftover)
        return found

    def check_all(self, cases):
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            found = [line for lines in pool.map(lambda case: self.check(*case), cases)
                     for line in lines]
        self.assertEqual([], found)

    def test_the_undamaged_small_model_runs(self):
        path = os.path.join(self.folder.name, "whole.gguf")
        pathlib.Path(path).write_bytes(self.small)
        for arguments in self.commands(path, path + ".safetensors"):
            done = program.run(*arguments)
            self.assertEqual(0, done.returncode, (arguments, done.stderr))

    def test_damaged_copies_of_a_small_model(self):
        def cases():
            for i in range(N_SMALL):
                rng = random.Random(SEED + i)
                data, damage = bytearray(self.small), DAMAGES[i % len(DAMAGES)]
                damage(data, self.small_header, rng)
                yield f"small-{i}-{damage.__name__}", data
        self.check_all(cases())

    def test_well_formed_files_that_contradict_themselves(self):
        def cases():
            for i in range(N_CONTRADICTORY):
                rng = random.Random(SEED + 2000 + i)
                numbers = {key: rng.choice([v & 0xFFFFFFFF for v in EXTREMES] + [rng.randrange(300)])
                           for key in rng.sample(sorted(small_model.NUMBERS), rng.choice([1, 1, 2]))}
                reals = {key: rng.choice([0.0, -1.0, 1e38, float("nan"), float("inf")])
                         for key in rng.sample(sorted(small_model.REALS), rng.choice([0, 0, 1]))}
                yield f"contradiction-{i}-{numbers}{reals}", small_model.write(1, numbers, reals)[0]
        self.check_all(cases())

    def test_damaged_copies_of_the_default_model(self):
        header, size = self.real_model()

        def cases():
            for i in range(N_REAL):
                rng = random.Random(SEED + 1000 + i)
                data, damage = bytearray(header), DAMAGES[i % len(DAMAGES)]
                # Most of the header is the vocabulary; half the damage goes to what is around it.
                length = rng.choice([4096, 2 << 20])
                damage(data, length, rng)
                yield f"smollm2-{i}-{damage.__name__}", data, size if damage != truncate else None
        self.check_all(cases())


if __name__ == "__main__":
    unittest.main()
