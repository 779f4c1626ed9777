#include "catalog/digest.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <memory>

#include "base/file.h"

namespace overtake {

Result<std::string> sha256_of_file(const std::string& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned n_bytes = 0;
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), file.bytes().data(), file.bytes().size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest, &n_bytes) != 1) {
    return Error{ErrorCode::kInternal,
                 fmt::format("OpenSSL gave no SHA-256; {}; check its configuration", path)};
  }
  std::string out;
  for (unsigned i = 0; i < n_bytes; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

}  // namespace overtake
