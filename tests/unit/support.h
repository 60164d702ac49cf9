#pragma once
// What several unit tests need: a folder that goes with the test, a clock that is set by hand.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "spec/spec.h"

namespace kaigo::test {

class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "kaigo-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    std::filesystem::path write(const std::string& name, const std::string& text) const {
        std::ofstream(path_ / name) << text;
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

inline std::filesystem::path project(const std::string& name) {
    return std::filesystem::path(KAIGO_SOURCE_DIR) / name;
}

inline const spec::Specification& specification() {
    static const auto loaded = [] {
        Faults faults;
        return spec::Specification::load(project("interface-spec/2.02"), faults);
    }();
    return *loaded;
}

inline Digest digest(std::uint8_t n) {
    Digest out{};
    out[0] = n;
    return out;
}

inline const Instant kNoon = from_milliseconds(1'793'588'400'000);  // 2026-11-02 12:00 in Japan

/// Noon for ever; nobody sleeps.
class FixedClock : public Clock {
  public:
    Instant now() const override { return kNoon; }
    void sleep_until(Instant, const std::stop_token&) override {}
};

}  // namespace kaigo::test
