// StringTable: a list of strings in one block of memory, found by content through a flat hash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace overtake {

// Fill it, then read it from any thread. Its pieces are those of a model file, so both sizes and
// collisions are bounded: a file made to collide is refused, not searched for minutes.
class StringTable {
 public:
  // Room for `n_strings` findable strings. At most 2^30.
  void reserve(size_t n_strings, size_t n_bytes);
  // Appends a string; its place is the number of strings before it.
  void push_back(std::string_view string);

  enum class Indexed { kDone, kDuplicate, kTooManyCollisions };
  // Makes the string at `place` findable.
  Indexed index(int32_t place);

  int32_t size() const { return static_cast<int32_t>(starts_.size()) - 1; }
  std::string_view operator[](int32_t place) const {
    return std::string_view(bytes_).substr(starts_[place], starts_[place + 1] - starts_[place]);
  }
  // The place of an indexed string; -1 if there is none.
  int32_t find(std::string_view string) const;

 private:
  struct Slot {
    uint32_t hash = 0;
    int32_t place = -1;
  };

  std::string bytes_;
  std::vector<uint64_t> starts_ = {0};              // [size + 1]
  std::vector<Slot> slots_ = std::vector<Slot>(2);  // a power of two, at most half full
  size_t n_indexed_ = 0;
};

}  // namespace overtake
