#!/usr/bin/env python3
"""Writes src/tensor/quant/codebooks.h: the codebooks of the GGUF types IQ1, IQ2 and IQ3, which are
part of the format, from the `gguf` package's tables.

usage: make_codebooks.py    (needs: pip install gguf==0.19.0 numpy)

A point of a codebook is 8 coordinates of 2 bits, or 4 of 3 bits, the first in the lowest bits. All
codebooks ascend, so that each is stored as the steps from point to point: a step is one or more
characters of 5 bits each, the lowest first, as in a variable-length integer.
"""
import pathlib

import gguf.quants
import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "src/tensor/quant/codebooks.h"
HEADER = """\
// The codebooks of the types IQ1, IQ2 and IQ3: sets of lattice points that are part of the GGUF
// format. A weight group names a point; coordinate i of a point stands in bits i * bits and up.
// Written by tools/make_codebooks.py, which also explains the text form.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace overtake {

template <size_t kPoints>
consteval std::array<uint16_t, kPoints> points_from_steps(std::string_view text) {
  std::array<uint16_t, kPoints> points{};
  unsigned point = 0;
  size_t at = 0;
  for (uint16_t& out : points) {
    for (unsigned shift = 0, more = 1; more; shift += 5) {
      const unsigned digit = static_cast<unsigned>(text.at(at++) - '0');
      point += (digit & 31) << shift;
      more = digit >> 5;
    }
    out = static_cast<uint16_t>(point);
  }
  return at == text.size() ? points : throw "the text has more points";
}
"""
BOOKS = {
    "IQ2_XXS": "8 coordinates of 2 bits: magnitudes 8, 25, 43.",
    "IQ2_XS": "As IQ2_XXS.",
    "IQ2_S": "As IQ2_XXS.",
    "IQ3_XXS": "4 coordinates of 3 bits: magnitudes 4, 12, 20, 28, 36, 44, 52, 62.",
    "IQ3_S": "4 coordinates c of 3 bits: magnitudes 2 c + 1.",
    "IQ1_S": "8 coordinates of 2 bits: -1, 0, 1. Also that of IQ1_M.",
}


def points(book):
    book.init_grid()
    n_points, n_coordinates = book.grid_shape
    values = book.grid.reshape(n_points, n_coordinates)
    codes = np.searchsorted(np.array(book.grid_map, dtype=np.float32), values)
    bits = 16 // n_coordinates if n_coordinates == 8 else 3
    return (codes << (bits * np.arange(n_coordinates))).sum(axis=1)


def steps(ascending):
    text, last = "", 0
    for point in ascending:
        step, last = int(point) - last, int(point)
        assert step >= 0
        while step > 31:
            text += chr(48 + 32 + step % 32)
            step //= 32
        text += chr(48 + step)
    return text


def main():
    out = HEADER
    for name, comment in BOOKS.items():
        book = points(getattr(gguf.quants, name))
        text = steps(book)
        variable = "k" + "".join(part.capitalize() for part in name.split("_")) + "Points"
        lines = [text[i:i + 92] for i in range(0, len(text), 92)]
        out += f"\n// {comment}\nconstexpr std::array<uint16_t, {len(book)}> {variable} = "
        out += f"points_from_steps<{len(book)}>(\n"
        out += "\n".join(f'    R"({line})"' for line in lines) + ");\n"
    OUT.write_text(out + "\n}  // namespace overtake\n")


main()
