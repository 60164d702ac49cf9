#pragma once
// A few short codes, found without walking a tree: what every item of every row is looked up in.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kaigo {

/// From codes to what they stand for, in the order in which they were added.
class CodeTable {
  public:
    void add(std::string_view code, std::string_view meaning) {
        if (code.size() <= kPacked) {
            packed_.push_back(pack(code));
            meanings_.emplace_back(meaning);
        } else {
            long_.push_back({std::string(code), std::string(meaning)});
        }
    }

    /// Null when the code is not in the table.
    const std::string* find(std::string_view code) const {
        if (code.size() > kPacked) {
            for (const auto& [each, meaning] : long_)
                if (each == code) return &meaning;
            return nullptr;
        }
        const auto found = std::find(packed_.begin(), packed_.end(), pack(code));
        return found == packed_.end() ? nullptr
                                      : &meanings_[static_cast<std::size_t>(found - packed_.begin())];
    }
    bool contains(std::string_view code) const { return find(code) != nullptr; }

    /// Calls `visit(meaning)` for each.
    template <class Visit>
    void for_each_meaning(Visit visit) const {
        for (const std::string& meaning : meanings_) visit(meaning);
        for (const Long& each : long_) visit(each.meaning);
    }

    /// Calls `visit(code)` for each.
    template <class Visit>
    void for_each_code(Visit visit) const {
        for (const std::uint64_t each : packed_) visit(unpack(each));
        for (const Long& each : long_) visit(each.code);
    }

  private:
    static constexpr std::size_t kPacked = 7;

    /// Up to seven bytes, and their number. Packed in a loop: a call that copies so few bytes would cost more
    /// than the search.
    static std::uint64_t pack(std::string_view code) {
        std::uint64_t out = code.size();
        for (const char c : code) out = out << 8U | static_cast<unsigned char>(c);
        return out;
    }

    static std::string unpack(std::uint64_t packed) {
        constexpr std::uint64_t kByte = 0xFF;
        std::string out;
        for (; packed > kPacked; packed >>= 8U) out.insert(out.begin(), static_cast<char>(packed & kByte));
        return out;
    }

    struct Long {
        std::string code, meaning;
    };
    // Apart: the search goes over the codes alone.
    std::vector<std::uint64_t> packed_;
    std::vector<std::string> meanings_;
    std::vector<Long> long_;
};

}  // namespace kaigo
