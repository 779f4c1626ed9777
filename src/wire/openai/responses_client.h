// OpenAI's Responses, the calling half: what its files share.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/event.h"
#include "engine/generate_request.h"
#include "wire/openai/call_ids.h"

namespace overtake::openai {

// kUnsupported: Responses have no words for `what`.
Error responses_cannot_say(std::string_view what, std::string_view instead);

// Writes messages as the items of a request's input: what read_items reads, the other way.
class ItemWriter {
 public:
  // `is_own`: the request came in this dialect, so what only it knows goes back.
  ItemWriter(bool is_own, Json* items) : is_own_(is_own), items_(*items) {}
  Status add(const Message& message);

 private:
  Status add_part(const Message& message, const ContentPart& part);
  Status add_call(const ToolCall& call);
  Status add_result(const Message& message);
  Status add_vendors(const Message& message, const VendorPart& part);
  void add_reasoning(const ReasoningPart& part);
  // Ends the item of the parts that have come.
  Status end_message(const Message& message);
  Status merge(const ExtraFields& extra, Json* into) const;
  Result<Json> input_part(const ContentPart& part) const;

  bool is_own_;
  Json& items_;
  CallIds ids_;
  std::vector<Json> parts_;  // of a message that goes on
  std::string said_;         // by the assistant, in one that goes on
  bool has_said_ = false;
};

// The output items of an answer, read into events: as a stream tells of them, or whole. One thread.
// Each function returns what is wrong, in words that quote nothing; or null.
class OutputReader {
 public:
  OutputReader();
  ~OutputReader();
  OutputReader(const OutputReader&) = delete;
  OutputReader& operator=(const OutputReader&) = delete;

  // An event of a stream; `type` is the event's without its "response.". Others are left out.
  const char* take(std::string_view type, const Json& event, std::vector<Event>* out);
  const char* take_whole(const Json& item, std::vector<Event>* out);

  bool is_empty() const { return n_items_ == 0; }
  bool has_called() const { return n_tools_ > 0; }
  bool has_refused() const { return has_refused_; }

 private:
  enum class Kind { kMessage, kReasoning, kCall, kVendor };
  struct Item {
    Kind kind = Kind::kVendor;
    std::string id;
    int tool = 0;          // of kCall: its index
    bool is_told = false;  // pieces of it have come
    int n_thoughts = 0;    // of kReasoning: parts that have begun
  };

  const char* open(Item* item, const Json& json, std::vector<Event>* out);
  void tell(Item& item, const Json& json, std::vector<Event>* out);
  void close(const Item& item, const Json& json, std::vector<Event>* out);
  const char* begin_item(const Json& event, std::vector<Event>* out);
  const char* end_item(const Json& event, std::vector<Event>* out);
  const char* take_piece(std::string_view type, Item& item, const Json& event,
                         std::vector<Event>* out);
  Item* item_of(const Json& event);
  static void tell_progress(std::string_view type, const Json& event, std::vector<Event>* out);
  void begin_message(const Json& item, std::vector<Event>* out);
  void begin_text(std::vector<Event>* out);
  void add_text(const Json& owner, const char* name, std::vector<Event>* out);
  void add_refusal(std::string text, std::vector<Event>* out);
  void add_thought(Item& item, std::string text, bool is_summary, std::vector<Event>* out);
  void add_annotation(const Json& annotation);
  void add_annotations(const Json* annotations);
  void end_text(std::vector<Event>* out);

  std::map<int64_t, Item> items_;  // that are open, by their index
  int64_t last_ = -1;              // the index of the one that began last
  int64_t n_items_ = 0;
  int n_tools_ = 0;
  bool has_refused_ = false;
  bool after_message_ = false;  // the last item that ended was one
  bool has_text_ = false;       // some text has come
  bool begins_part_ = false;    // the text that comes next does
  bool begins_thought_ = false;
  int64_t n_characters_ = 0;       // of all text
  int64_t text_begin_ = 0;         // of the part that goes on, in characters
  std::vector<Json> annotations_;  // of that part
  size_t n_annotations_ = 0;       // of all
};

}  // namespace overtake::openai
