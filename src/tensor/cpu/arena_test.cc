#include "tensor/cpu/arena.h"

#include <cstdint>

namespace overtake {
namespace {

TEST(Arena, GivesAlignedMemoryThatDoesNotOverlap) {
  Arena arena;
  float* a = arena.floats(3);
  float* b = arena.floats(100);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b) % 64, 0u);
  EXPECT_GE(b - a, 3);
}

TEST(Arena, ReleaseGivesTheSameMemoryAgain) {
  Arena arena;
  arena.floats(10);
  const size_t mark = arena.mark();
  float* first = arena.floats(1000);
  arena.release(mark);
  EXPECT_EQ(arena.floats(1000), first);
}

TEST(Arena, ReleaseGoesBackOverBlocks) {
  Arena arena;
  float* first = arena.floats(10);
  arena.release(0);
  const size_t mark = arena.mark();
  for (int i = 0; i < 5; ++i) arena.floats(int64_t{1} << 19);
  arena.release(mark);
  EXPECT_EQ(arena.floats(10), first);
}

TEST(Arena, HoldsNoMoreAfterASecondPassOfTheSameSize) {
  Arena arena;
  const auto pass = [&] {
    arena.reset();
    for (int i = 0; i < 7; ++i) arena.floats(200'000 + i);
  };
  pass();
  pass();
  const size_t held = arena.bytes();
  pass();
  EXPECT_EQ(arena.bytes(), held);
}

}  // namespace
}  // namespace overtake
