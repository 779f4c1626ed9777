#include "wire/answer_writer.h"

namespace overtake::wire {

void AnswerWriter::count(int index, int n, const UsageEvent& event) {
  if (index % n == 0) {
    usage_.prompt_tokens += event.prompt_tokens;
    usage_.cached_tokens += event.cached_tokens;
    usage_.cache_write_tokens += event.cache_write_tokens;
  }
  usage_.completion_tokens += event.completion_tokens;
  usage_.reasoning_tokens += event.reasoning_tokens;
}

}  // namespace overtake::wire
