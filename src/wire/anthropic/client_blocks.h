// The blocks that an answer of Anthropic's Messages is made of, read into events.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/event.h"

namespace overtake::anthropic {

// Members of what should have a handful.
constexpr size_t kMaxOthers = 64;

// One block after the other: open, take its pieces, close. A whole block is one without pieces. One
// thread. Each function returns what is wrong, in words that quote nothing; or null.
class BlockReader {
 public:
  BlockReader();
  ~BlockReader();
  bool is_open() const { return block_ != Block::kNone; }
  int64_t n_closed() const { return n_closed_; }

  void open(const Json& content, std::vector<Event>* out);
  const char* take(const Json& delta, std::vector<Event>* out);
  void close(std::vector<Event>* out);

 private:
  // kVendor: what the vendor's own tools did, and kinds that are not known yet.
  enum class Block { kNone, kText, kThinking, kRedacted, kTool, kVendor };

  void open_tool(const Json& content, std::vector<Event>* out);
  const char* take_vendors(const Json& delta);
  void close_vendors(std::vector<Event>* out);
  void add_text(std::string text, std::vector<Event>* out);
  void add_citation(const Json* citation);
  void close_text(std::vector<Event>* out);

  Block block_ = Block::kNone;
  int64_t n_closed_ = 0;
  int n_tools_ = 0;  // the open one among them
  bool has_input_ = false;
  bool after_text_ = false;        // the last block was text
  bool begins_part_ = false;       // the text that comes next does
  int64_t n_characters_ = 0;       // of all text
  int64_t text_begin_ = 0;         // of the open block of text, in characters
  std::vector<Json> citations_;    // of the open block
  size_t n_citations_ = 0;         // of all
  std::unique_ptr<Json> vendors_;  // the open block, of a vendor's own
  std::string vendors_input_;      // its input's JSON
};

}  // namespace overtake::anthropic
