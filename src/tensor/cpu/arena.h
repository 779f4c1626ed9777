// Arena: memory of one forward pass, taken in the order of a stack and given back all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/large_block.h"

namespace overtake {

// Grows when a pass asks for more than any pass before it; reset() joins what it grew by, so that
// passes of a size seen before allocate nothing. Not thread-safe.
class Arena {
 public:
  // `n` floats at an address divisible by 64; their values are left from earlier uses, or zero.
  float* floats(int64_t n);

  size_t mark() const { return before_ + used_; }
  // Gives back what was taken since mark() returned `mark`.
  void release(size_t mark);
  // Gives back everything; nobody may hold memory of the arena.
  void reset();

  size_t bytes() const;  // held from the system

 private:
  struct Block {
    LargeBlock data;
    size_t size;  // in floats, as all sizes here
  };
  void grow(size_t at_least);

  std::vector<Block> blocks_;
  size_t current_ = 0;  // the block that is being filled
  size_t used_ = 0;     // of it
  size_t before_ = 0;   // sizes of the blocks before it, together
};

}  // namespace overtake
