#pragma once
// A few short codes, found without walking a tree: what every item of every row is looked up in.

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace kaigo {

/// From codes to what they stand for, in the order in which they were added.
class CodeTable {
  public:
    void add(std::string_view code, std::string_view meaning) {
        if (code.size() <= kPacked)
            short_.push_back({pack(code), std::string(meaning)});
        else
            long_.push_back({std::string(code), std::string(meaning)});
    }

    /// Null when the code is not in the table.
    const std::string* find(std::string_view code) const {
        if (code.size() > kPacked) {
            for (const auto& [each, meaning] : long_)
                if (each == code) return &meaning;
            return nullptr;
        }
        const std::uint64_t packed = pack(code);
        for (const auto& [each, meaning] : short_)
            if (each == packed) return &meaning;
        return nullptr;
    }
    bool contains(std::string_view code) const { return find(code) != nullptr; }

    /// Calls `visit(meaning)` for each.
    template <class Visit>
    void for_each_meaning(Visit visit) const {
        for (const Short& each : short_) visit(each.meaning);
        for (const Long& each : long_) visit(each.meaning);
    }

  private:
    static constexpr std::size_t kPacked = 7;

    /// Up to seven bytes, and how many they are.
    static std::uint64_t pack(std::string_view code) {
        std::uint64_t out = 0;
        std::memcpy(&out, code.data(), code.size());
        return out | static_cast<std::uint64_t>(code.size()) << 56U;
    }

    struct Short {
        std::uint64_t code;
        std::string meaning;
    };
    struct Long {
        std::string code, meaning;
    };
    std::vector<Short> short_;
    std::vector<Long> long_;
};

}  // namespace kaigo
