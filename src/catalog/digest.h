// The digest by which a file of the catalogue is known.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace overtake {

// A digest of bytes that come piece by piece.
class Digest {
 public:
  enum class Kind { kSha256, kSha1 };
  explicit Digest(Kind kind);
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();
  void update(std::string_view bytes);
  std::string finish();  // lower-case hexadecimal; once

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string sha256_of(std::string_view bytes);
// The name that Git gives to a file of these bytes: a SHA-1 over "blob SIZE" and them.
std::string git_blob_of(std::string_view bytes);

// SHA-256 (FIPS 180-4) of a file's bytes, lower-case hexadecimal.
Result<std::string> sha256_of_file(const std::string& path);

}  // namespace overtake
