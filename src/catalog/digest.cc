#include "catalog/digest.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include "base/check.h"
#include "base/file.h"

namespace overtake {

struct Digest::Impl {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free};
};

Digest::Digest(Kind kind) : impl_(std::make_unique<Impl>()) {
  const EVP_MD* algorithm = kind == Kind::kSha256 ? EVP_sha256() : EVP_sha1();
  OVERTAKE_CHECK(impl_->context &&
                 EVP_DigestInit_ex(impl_->context.get(), algorithm, nullptr) == 1);
}

Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

void Digest::update(std::string_view bytes) {
  OVERTAKE_CHECK(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Digest::finish() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned n_bytes = 0;
  OVERTAKE_CHECK(EVP_DigestFinal_ex(impl_->context.get(), digest, &n_bytes) == 1);
  std::string out;
  for (unsigned i = 0; i < n_bytes; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

std::string sha256_of(std::string_view bytes) {
  Digest digest(Digest::Kind::kSha256);
  digest.update(bytes);
  return digest.finish();
}

std::string git_blob_of(std::string_view bytes) {
  Digest digest(Digest::Kind::kSha1);
  digest.update(fmt::format("blob {}", bytes.size()) + '\0');
  digest.update(bytes);
  return digest.finish();
}

Result<std::string> sha256_of_file(const std::string& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  return sha256_of({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
}

}  // namespace overtake
