// Hashing for the tokenizer's flat tables: multiply and fold 128 bits to 64. Not for adversaries;
// the tables bound their probes instead.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace overtake {

// Entries looked at before a table that is filled from a file gives up. Half-full tables with
// uniform hashes stay below 100 for any vocabulary.
constexpr int kMaxProbes = 1024;

inline uint64_t mix_hash(uint64_t a, uint64_t b) {
  const auto product =
      static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t load_bytes(const char* data, size_t n) {  // n <= 8
  uint64_t word = 0;
  if (n >= 4) {
    uint32_t low, high;
    std::memcpy(&low, data, 4);
    std::memcpy(&high, data + n - 4, 4);
    return static_cast<uint64_t>(high) << 32 | low;
  }
  if (n > 0) {
    word = static_cast<unsigned char>(data[0]);
    word |= static_cast<uint64_t>(static_cast<unsigned char>(data[n / 2])) << 8;
    word |= static_cast<uint64_t>(static_cast<unsigned char>(data[n - 1])) << 16;
  }
  return word;
}

inline uint64_t hash_string(std::string_view string) {
  const char* data = string.data();
  size_t n = string.size();
  uint64_t hash = n;
  for (; n > 8; data += 8, n -= 8) hash = mix_hash(hash, load_bytes(data, 8));
  return mix_hash(hash, load_bytes(data, n));
}

}  // namespace overtake
