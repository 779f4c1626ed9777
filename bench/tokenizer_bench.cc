// How fast a tokenizer encodes a text on one core: for bench/compare_tokenizers.py, which runs
// Hugging Face's beside it. usage: bench_tokenizer FOLDER_OR_GGUF TEXT_FILE ROUNDS; prints seconds
// a round, then the number of ids and FNV-1a of them, so that a wrong answer is not timed as a fast
// one.
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "token/tokenizer.h"

namespace overtake {
namespace {

Result<std::unique_ptr<Tokenizer>> load(const std::string& path) {
  if (std::filesystem::is_directory(path)) return Tokenizer::load_folder(path);
  return Tokenizer::load(*TRY(open_checkpoint(path)));
}

Status run(const std::string& path, const std::string& text_file, int rounds) {
  const auto tokenizer = TRY(load(path));
  const std::string text = TRY(read_file(text_file, 1 << 30));
  std::vector<int32_t> ids;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    ids = tokenizer->encode_user(text);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    fmt::print("{:.6f} ", took.count());
  }
  uint64_t digest = 0xcbf29ce484222325u;
  for (const int32_t id : ids) {
    for (int shift = 0; shift < 32; shift += 8) {
      digest = (digest ^ (static_cast<uint32_t>(id) >> shift & 0xff)) * 0x100000001b3u;
    }
  }
  fmt::print("\n{} {:016x}\n", ids.size(), digest);
  return {};
}

}  // namespace
}  // namespace overtake

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto done = overtake::run(argv[1], argv[2], std::atoi(argv[3]));
  if (!done.ok()) fmt::print(stderr, "bench_tokenizer: {}\n", done.error().message);
  return done.ok() ? 0 : 1;
}
