// JsonAnswerReader: an answer that comes as JSON documents, whatever stands between them. What the
// documents mean is the dialect's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "wire/client_dialect.h"
#include "wire/sse_parser.h"

namespace overtake::wire {

enum class AnswerFraming {
  kWhole,   // one document
  kEvents,  // server-sent events, each with one
  kLines,   // one a line (NDJSON)
};

class JsonAnswerReader : public AnswerReader {
 public:
  Status feed(std::string_view bytes, std::vector<Event>* out) final;
  Status finish(std::vector<Event>* out) final;
  bool is_complete() const final;
  Status settle(std::vector<Event>* out) final { return conclude(out); }

 protected:
  // `api` as in damaged_answer.
  JsonAnswerReader(AnswerFraming framing, std::string_view api) : framing_(framing), api_(api) {}

  // The next document. `name` is its event's, or empty.
  virtual Status take(std::string_view name, const Json& json, std::vector<Event>* out) = 0;
  // All there is has been taken, and close() was not called: says what is missing, or closes.
  virtual Status end(std::vector<Event>* out) = 0;
  // Whether the vendor has said how and at what cost its answer ended, and what then closes the
  // stream without its proper end.
  virtual bool has_ended() const { return false; }
  virtual Status conclude(std::vector<Event>* out) { return end(out); }
  // An event that may not be JSON: whether it has been dealt with.
  virtual Result<bool> take_raw(const SseEvent& event, std::vector<Event>* out);

  // The last event is out; whatever else comes is not read.
  void close() { closed_ = true; }
  bool is_closed() const { return closed_; }
  bool is_whole() const { return framing_ == AnswerFraming::kWhole; }
  Error damaged(std::string_view what) const;

 private:
  Status take_text(std::string_view name, std::string_view text, std::vector<Event>* out);
  Status feed_lines(std::string_view bytes, std::vector<Event>* out);

  AnswerFraming framing_;
  std::string_view api_;
  SseParser parser_;
  std::string text_;  // of the whole, or of a line that has not ended
  bool closed_ = false;
};

}  // namespace overtake::wire
