#pragma once
// Time and randomness that a test sets: the same in every run.

#include <algorithm>
#include <span>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "unit/support.h"

namespace kaigo::test {

/// Goes forward when somebody sleeps.
class ManualClock : public Clock {
  public:
    Instant now() const override { return now_; }
    void sleep_until(Instant until, const std::stop_token&) override { now_ = std::max(now_, until); }
    void advance(Duration by) { now_ += by; }

  private:
    Instant now_ = kNoon;
};

class CountingRandom : public RandomSource {
  public:
    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& byte : out) byte = next_++;
    }

  private:
    std::uint8_t next_ = 0;
};

}  // namespace kaigo::test
