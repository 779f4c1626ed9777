#include "token/jinja_heap.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "token/jinja_value.h"

namespace overtake::jinja {
namespace {

constexpr int64_t kStepsBetweenClockChecks = 2048;
constexpr size_t kFirstTextBlock = 4096;
constexpr size_t kMaxTextBlock = 1 << 20;

int64_t thread_cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

Budget::Budget(const TemplateLimits& limits)
    : limits_(limits),
      steps_left_(limits.max_steps),
      next_clock_check_(std::max<int64_t>(limits.max_steps - kStepsBetweenClockChecks, 0)),
      memory_left_(limits.max_memory_bytes) {
  if (limits_.cpu_ms == nullptr) limits_.cpu_ms = thread_cpu_ms;
}

bool Budget::check() {
  if (exhausted_ == nullptr && steps_left_ < 0) exhausted_ = "steps";
  // The first look comes after thousands of steps: most templates never pay for a clock.
  const int64_t now = limits_.cpu_ms();
  if (!start_ms_) start_ms_ = now;
  if (exhausted_ == nullptr && now - *start_ms_ > limits_.max_cpu_ms) exhausted_ = "time";
  next_clock_check_ = std::max<int64_t>(steps_left_ - kStepsBetweenClockChecks, 0);
  if (exhausted_ == nullptr) return true;
  steps_left_ = next_clock_check_ = -1;  // every later spend comes here
  return false;
}

bool Budget::take_memory(size_t bytes) {
  if (bytes > memory_left_) {
    if (exhausted_ == nullptr) exhausted_ = "memory";
    return false;
  }
  memory_left_ -= bytes;
  return true;
}

bool Budget::enter() {
  if (++depth_ <= limits_.max_depth) return true;
  if (exhausted_ == nullptr) exhausted_ = "nesting";
  return false;
}

Error Budget::error() const {
  const std::string_view what = exhausted_ == nullptr ? "memory" : exhausted_;
  std::string text;
  if (what == "steps") {
    text = fmt::format("the chat template needs more than {} steps", limits_.max_steps);
  } else if (what == "time") {
    text = fmt::format("the chat template needs more than {} ms of processor time",
                       limits_.max_cpu_ms);
  } else if (what == "nesting") {
    text = fmt::format("the chat template nests deeper than {} levels", limits_.max_depth);
  } else {
    text = fmt::format("the chat template needs more than {} bytes of memory",
                       limits_.max_memory_bytes);
  }
  return Error{ErrorCode::kExhausted, std::move(text)};
}

void* Heap::allocate(size_t n_bytes) {
  constexpr size_t kAlign = alignof(std::max_align_t);
  if (n_bytes > SIZE_MAX - kAlign) return nullptr;
  n_bytes = std::max(kAlign, (n_bytes + kAlign - 1) / kAlign * kAlign);  // never no address
  if (n_bytes > free_bytes_) {
    const size_t block_bytes = std::max(n_bytes, next_block_bytes_);
    if (!budget_.take_memory(block_bytes)) return nullptr;
    next_block_bytes_ = std::min<size_t>(next_block_bytes_ * 2, 1 << 18);
    blocks_.push_back(std::make_unique_for_overwrite<std::max_align_t[]>(
        (block_bytes + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t)));
    free_ = reinterpret_cast<char*>(blocks_.back().get());
    free_bytes_ = block_bytes;
  }
  void* memory = free_;
  free_ += n_bytes;
  free_bytes_ -= n_bytes;
  return memory;
}

Heap::TextBlock* Heap::text_block(size_t n_bytes) {
  if (!budget_.spend_bytes(n_bytes)) return nullptr;
  if (!text_blocks_.empty()) {
    TextBlock& last = text_blocks_.back();
    if (last.capacity - last.used >= n_bytes) return &last;
  }
  const size_t next = text_blocks_.empty()
                          ? kFirstTextBlock
                          : std::min(kMaxTextBlock, text_blocks_.back().capacity * 2);
  const size_t capacity = std::max(n_bytes, next);
  if (capacity > UINT32_MAX / 2 || !budget_.take_memory(2 * capacity)) return nullptr;
  TextBlock block;
  block.bytes = std::make_unique_for_overwrite<char[]>(capacity);
  block.trust = std::make_unique_for_overwrite<uint8_t[]>(capacity);
  block.capacity = capacity;
  text_blocks_.push_back(std::move(block));
  return &text_blocks_.back();
}

void Heap::write(TextBlock& block, const Value& text) {
  if (text.size == 0) return;
  std::memcpy(block.bytes.get() + block.used, text.data, text.size);
  if (text.trust == nullptr) {
    std::memset(block.trust.get() + block.used, text.trusted ? 1 : 0, text.size);
  } else {
    std::memcpy(block.trust.get() + block.used, text.trust, text.size);
  }
  block.used += text.size;
}

Value Heap::slice(const TextBlock& block, size_t begin) {
  return string_value(std::string_view(block.bytes.get() + begin, block.used - begin),
                      block.trust.get() + begin);
}

Result<Value> Heap::text(std::string_view bytes, bool trusted) {
  TextBlock* block = text_block(bytes.size());
  if (block == nullptr) return budget_.error();
  const size_t begin = block->used;
  write(*block, string_value(bytes, trusted));
  Value out = slice(*block, begin);
  out.trusted = trusted;
  out.trust = nullptr;
  return out;
}

Result<Value> Heap::text(std::string_view bytes, std::string_view trust) {
  OVERTAKE_CHECK(bytes.size() == trust.size());
  TextBlock* block = text_block(bytes.size());
  if (block == nullptr) return budget_.error();
  const size_t begin = block->used;
  write(*block, string_value(bytes, reinterpret_cast<const uint8_t*>(trust.data())));
  return slice(*block, begin);
}

Result<Value> Heap::concat(const Value& left, const Value& right) {
  if (!text_blocks_.empty()) {
    TextBlock& last = text_blocks_.back();
    if (left.size > 0 && left.size <= last.used &&
        left.data == last.bytes.get() + last.used - left.size &&
        right.size <= last.capacity - last.used) {
      if (!budget_.spend_bytes(right.size)) return budget_.error();
      const size_t begin = last.used - left.size;
      write(last, right);
      return slice(last, begin);
    }
  }
  TextBlock* block = text_block(static_cast<size_t>(left.size) + right.size);
  if (block == nullptr) return budget_.error();
  const size_t begin = block->used;
  write(*block, left);
  write(*block, right);
  return slice(*block, begin);
}

}  // namespace overtake::jinja
