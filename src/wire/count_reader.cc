// The answer to a question for a prompt's length: one small document.
#include "wire/client_dialect.h"
#include "wire/upstream_answer.h"

namespace overtake::wire {
namespace {

constexpr size_t kMaxCountBytes = 64u << 10;

class CountReader : public AnswerReader {
 public:
  explicit CountReader(Result<int64_t> (*read_count)(std::string_view)) : read_(read_count) {}

  Status feed(std::string_view bytes, std::vector<Event>*) override {
    if (body_.size() + bytes.size() > kMaxCountBytes) {
      return damaged_answer("the counting of tokens", "it is larger than any count should be");
    }
    body_ += bytes;
    return {};
  }

  Status finish(std::vector<Event>* out) override {
    UsageEvent usage;
    usage.prompt_tokens = TRY(read_(body_));
    out->push_back(usage);
    out->push_back(FinishedEvent{});
    return {};
  }

 private:
  Result<int64_t> (*read_)(std::string_view);
  std::string body_;
};

}  // namespace

std::unique_ptr<AnswerReader> make_count_reader(Result<int64_t> (*read_count)(std::string_view)) {
  return std::make_unique<CountReader>(read_count);
}

}  // namespace overtake::wire
