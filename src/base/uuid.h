// UUIDv7 (RFC 9562): ids of requests and rows that sort by the time they were made.
#pragma once

#include <cstdint>
#include <string>

namespace overtake {

// The id for a time and 74 random bits, of which the rest of `random_high` and `random_low` is
// dropped: "0190163d-8694-739b-aea5-966c26f8ad91".
std::string format_uuid_v7(uint64_t unix_ms, uint16_t random_high, uint64_t random_low);

// A new one, from the system's clock and random source. Any thread.
std::string make_uuid_v7();

}  // namespace overtake
