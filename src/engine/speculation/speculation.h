// Speculation: whether answers are guessed ahead.
#pragma once

namespace overtake {

enum class Speculation {
  kNone,
  kWhereFaster,
  kAlways,  // every guess is tried, whatever it costs: to test by
};

}  // namespace overtake
