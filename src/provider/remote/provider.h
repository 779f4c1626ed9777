// Provider: one kind of remote models, one file in provider/: which environment variables name its
// upstreams, and how a key is shown to them.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/registry.h"
#include "base/result.h"
#include "wire/client_dialect.h"

namespace overtake {

using Environment = std::map<std::string, std::string>;
Environment process_environment();

// A server that answers for remote models.
struct Upstream {
  std::string name;          // before the slash in the names of its models: "openai"
  std::string base_url;      // "https://api.openai.com/v1"
  std::string key;           // never shown, never sent anywhere but to base_url
  std::string key_variable;  // "OPENAI_API_KEY"
  bool needs_key = false;
  bool given = false;       // by the operator: a key or a URL is set
  bool is_vendor = false;   // the vendor itself, whose published prices hold
  bool public_only = true;  // refuse addresses of this machine and of private networks
  const wire::ClientDialect* dialect = nullptr;
  HttpHeader (*authorize)(const std::string& key) = nullptr;
  const wire::ClientDialect* (*dialect_for)(const GenerateRequest& request) = nullptr;
};

struct Provider {
  const wire::ClientDialect* dialect;
  HttpHeader (*authorize)(const std::string& key);
  // Its upstreams in this environment: of a vendor, one, even without its key.
  Result<std::vector<Upstream>> (*upstreams)(const Environment& environment);
  // Of a vendor with several dialects, the one that asks for an answer to `request`, whose model is
  // the vendor's own name; null: always `dialect`.
  const wire::ClientDialect* (*dialect_for)(const GenerateRequest& request) = nullptr;
};

std::span<const Provider* const> all_providers();

// ---- for providers

// "Authorization: Bearer KEY"
HttpHeader bearer_header(const std::string& key);

struct VendorNames {
  std::string_view name;          // "openai"
  std::string_view key_variable;  // "OPENAI_API_KEY"
  std::string_view url_variable;  // "OPENAI_BASE_URL"
  std::string_view default_url;   // needs the key; another may do without
};
Result<std::vector<Upstream>> vendor_upstream(const VendorNames& names,
                                              const Environment& environment);

// Checks the URL that variable `variable` gives and sets base_url and public_only: an operator who
// writes a private address, or a name that only a private network has, means it. Any other name
// has to lead to a public address, unless OVERTAKE_ALLOW_PRIVATE_UPSTREAMS is 1.
Status set_base_url(std::string_view variable, const Environment& environment, Upstream* upstream);

}  // namespace overtake
