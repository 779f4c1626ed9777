// ResponseOutput: the output items of a Responses answer while they grow, and the events of a
// stream that tell of it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/event.h"

namespace overtake::openai {

// At most one message or reasoning item is open; calls, whose fragments may come side by side, stay
// open to the end. The order of items is that of their beginnings. One thread; `out` receives the
// events.
class ResponseOutput {
 public:
  struct Options {
    std::string uuid;  // of the response, part of its items' ids: "msg_UUID_o0"
    bool stream = false;
    bool logprobs = false;  // whether the text's are told
  };
  explicit ResponseOutput(Options options);

  // One event of a stream, with the next number; nothing where there is no stream.
  void emit(std::string_view type, Json members, std::string& out);

  void add_text(const TextEvent& event, std::string& out);
  // Of the text that is open; others' are left out.
  void add_citation(const CitationEvent& event, std::string& out);
  void add_refusal(const RefusalEvent& event, std::string& out);
  void add_reasoning(const ReasoningEvent& event, std::string& out);
  void add_call(const ToolEvent& event, std::string& out);
  // Of OpenAI's own: an item, how it comes about, or members of the message that comes next.
  void add_vendors(const VendorEvent& event, std::string& out);
  // Ends every item that is open; `status` is theirs: "completed" or "incomplete".
  void close(std::string_view status, std::string& out);

  Json items() const;  // an array
  // The same with what the open ones hold already.
  Json items_so_far() const;

 private:
  struct PartKind;
  static const PartKind kText;
  static const PartKind kRefusal;
  static const PartKind kReasoning;
  static const PartKind kSummary;
  struct Call {
    int item = 0;
    std::string arguments;
  };

  Json& open_item();
  Json place(int item) const;
  Json part_place();
  Json part_json() const;
  std::string make_id(std::string_view prefix) const;
  int begin_item(std::string id, Json item, std::string& out);
  void add_progress(Json event, std::string& out);
  int begin_vendors(const Json& item, std::string& out);
  void done_item(int index, std::string_view status, std::string& out);
  void open_item_of(std::string_view type, std::string& out);
  void open_part(const PartKind& kind, std::string& out);
  void close_part(std::string& out);
  void close_item(std::string_view status, std::string& out);
  void add_piece(const PartKind& kind, const std::string& piece, Json logprobs, std::string& out);

  Options options_;
  int sequence_ = 0;
  std::vector<Json> items_;
  int open_ = -1;             // the item that is a message or reasoning and goes on
  std::string reasoning_id_;  // its vendor's for it, or for the one that comes next
  std::string next_;          // members of the message that comes next: an object, or empty
  std::map<std::string, int> vendors_;  // items of OpenAI's own that go on, by their ids
  const PartKind* part_ = nullptr;      // of the open item, that goes on
  std::string text_;                    // of the open part
  std::string signature_;
  std::vector<Json> logprobs_;
  std::vector<Json> annotations_;
  int64_t n_characters_ = 0;  // of all text
  int64_t text_begin_ = 0;    // where the open part's begins, in characters
  std::map<int, Call> calls_;
};

}  // namespace overtake::openai
