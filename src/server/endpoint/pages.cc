// GET / and all else that no other endpoint names: the pages that are built into the program. They
// come from a table in memory, so no path can lead out of it.
#include <fmt/core.h>

#include "server/endpoint.h"
#include "server/reply.h"

namespace overtake {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

const EmbeddedFile* find_page(const ServerContext& context, std::string_view path) {
  if (path == "/") path = "/index.html";
  for (const EmbeddedFile& file : context.pages) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

// The list of RFC 9110 section 13.1.2; weak and strong tags compare alike here.
bool names_tag(std::string_view if_none_match, std::string_view etag) {
  return if_none_match == "*" || if_none_match.find(etag) != if_none_match.npos;
}

void handle(const ServerContext& context, std::shared_ptr<HttpExchange> exchange) {
  const HttpRequest& request = exchange->request();
  const EmbeddedFile* file = find_page(context, request.path);
  if (!file) {
    return reply_error(*exchange,
                       wire::plain_error(404, fmt::format("there is no {} here", request.path)));
  }
  // Names under /assets hold a digest of their content; the others must be asked for again.
  const bool is_asset = file->path.starts_with("/assets/");
  exchange->set_header("Cache-Control",
                       is_asset ? "public, max-age=31536000, immutable" : "no-cache");
  exchange->set_header("ETag", file->etag);
  exchange->set_header("Content-Security-Policy", kPolicy);
  exchange->set_header("Referrer-Policy", "no-referrer");
  exchange->set_header("Cross-Origin-Opener-Policy", "same-origin");
  exchange->set_header("Cross-Origin-Resource-Policy", "same-origin");
  const auto known = request.header("if-none-match");
  if (known && names_tag(*known, file->etag)) return exchange->send(304, "", "");
  exchange->send(200, file->content_type, std::string(file->bytes));
}

}  // namespace

OVERTAKE_ENTRY(Endpoint, endpoint_pages) = {"GET", "/*", handle};

}  // namespace overtake
