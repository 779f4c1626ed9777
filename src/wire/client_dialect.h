// ClientDialect: the calling half of a codec: how a vendor is asked, and how its answers are read.
// The other half, for its clients, is wire::Dialect; both turn on the same requests and events.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/embed_request.h"
#include "engine/event.h"
#include "engine/feature.h"
#include "engine/generate_request.h"
#include "net/http_client.h"

namespace overtake::wire {

// A request before it knows its host and key.
struct Outgoing {
  std::string path;  // after the base URL: "/chat/completions"
  std::vector<HttpHeader> headers;
  std::string body;
};

// One answer with status 200. One thread.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  // Appends the events that are complete. A failure that the vendor reports within its stream is a
  // FailedEvent, and the last; an error means that the bytes are not this dialect (kDamaged).
  virtual Status feed(std::string_view bytes, std::vector<Event>* out) = 0;
  // The connection has ended. An error if the answer had not: a part never passes for the whole.
  virtual Status finish(std::vector<Event>* out) = 0;
  // Whether all that makes an answer has come, and nothing but the word or the connection that
  // ends a stream is missing.
  virtual bool is_complete() const { return false; }
  // After is_complete(), once it is plain that the end will not come: takes it for given.
  virtual Status settle(std::vector<Event>* out) { return finish(out); }
};

// The vectors of an EmbedRequest's inputs, as a vendor gave them.
struct EmbedReply {
  std::string model;                        // that it says answers; or empty
  std::vector<std::vector<float>> vectors;  // [n_inputs]; one that was missing is empty
  UsageEvent usage;
};

struct ClientDialect {
  std::string_view name;  // "openai": see GenerateRequest::dialect
  FeatureSet features;    // what its requests can say
  // `request.model` is the vendor's own name. kUnsupported: something that this dialect can't say.
  Result<Outgoing> (*write_request)(const GenerateRequest& request, bool stream);
  std::unique_ptr<AnswerReader> (*make_reader)(bool stream);
  // An answer with another status. The message is the vendor's, cleaned and bounded.
  FailedEvent (*read_error)(const HttpResponseHead& head, std::string_view body);
  std::string_view models_path;  // "/models"
  Result<std::vector<std::string>> (*read_models)(std::string_view body);
  // Of answers that come in pieces; one that can't stream, or won't, answers whole.
  std::string_view stream_type = "text/event-stream";
  // How many tokens a prompt has, asked without an answer; null where a vendor can't be asked.
  Result<Outgoing> (*write_count)(const GenerateRequest& request) = nullptr;
  Result<int64_t> (*read_count)(std::string_view body) = nullptr;
  // Of a list of models in pages, the path of the one after `body`; empty: that was all. Null: the
  // list is one page.
  std::string (*next_models_path)(std::string_view body) = nullptr;
  // Name and value of a header that models_path wants besides the key's.
  std::pair<std::string_view, std::string_view> models_header = {};
  // How vectors are asked for, and read from a document that parse_json has bounded; null where a
  // vendor gives none. What is wrong with the vectors themselves is found by who calls read_embed.
  Result<Outgoing> (*write_embed)(const EmbedRequest& request) = nullptr;
  Result<EmbedReply> (*read_embed)(const Json& body) = nullptr;
};

// Reads a count, whose body `read_count` understands, as an answer of nothing but its usage.
std::unique_ptr<AnswerReader> make_count_reader(Result<int64_t> (*read_count)(std::string_view));

// Reads `n_inputs` vectors, whose body `read_embed` understands, as embeddings; all of one length.
std::unique_ptr<AnswerReader> make_embed_reader(Result<EmbedReply> (*read_embed)(const Json&),
                                                size_t n_inputs);
// request.extra goes back into the dialect that it came from, never over what is written already.
Status merge_extra(const EmbedRequest& request, std::string_view dialect, Json* body);

// Bounds on what an upstream may make us hold.
constexpr size_t kMaxPlainAnswerBytes = 32u << 20;
constexpr size_t kMaxErrorBodyBytes = 64u << 10;

}  // namespace overtake::wire
