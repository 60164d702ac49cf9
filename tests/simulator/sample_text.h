#pragma once
// Invented people: random numbers that depend only on seed and place, and names made of common parts.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kaigo::sample {

/// The same numbers for the same seed, person and purpose, whatever was drawn before.
class Chance {
  public:
    Chance(std::uint64_t seed, std::uint64_t person, std::uint64_t purpose)
        : state_(mix(seed) ^ mix(person * 0x9E3779B97F4A7C15ULL + purpose)) {}

    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        return mix(state_);
    }
    std::uint64_t below(std::uint64_t n) { return next() % n; }
    int between(int low, int high) {
        return low + static_cast<int>(
                         below(static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1));
    }
    /// True in so many of 10,000 cases.
    bool happens(unsigned per_ten_thousand) { return below(10'000) < per_ten_thousand; }

  private:
    static std::uint64_t mix(std::uint64_t z) {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    std::uint64_t state_;
};

struct NamePart {
    std::string_view kanji;
    std::string_view kana;
};

// Among them an ideographic variation sequence (葛 + U+E0100), a compatibility ideograph (U+FA11), and a
// character of plane 16's private use area as 行政事務標準文字 uses it.
inline constexpr std::array kSurnames = {
    NamePart{"佐藤", "サトウ"},
    NamePart{"鈴木", "スズキ"},
    NamePart{"高橋", "タカハシ"},
    NamePart{"田中", "タナカ"},
    NamePart{"伊藤", "イトウ"},
    NamePart{"渡邉", "ワタナベ"},
    NamePart{"山本", "ヤマモト"},
    NamePart{"中村", "ナカムラ"},
    NamePart{"小林", "コバヤシ"},
    NamePart{"加藤", "カトウ"},
    NamePart{"葛\U000E0100西", "カサイ"},
    NamePart{"山\uFA11", "ヤマザキ"},
    NamePart{"\U00100A3B田", "ヨシダ"},
    NamePart{"髙山", "タカヤマ"},
    NamePart{"ヴァンデンベルグ", "ヴァンデンベルグ"},
};
inline constexpr std::array kGivenNames = {
    NamePart{"一郎", "イチロウ"}, NamePart{"花子", "ハナコ"},   NamePart{"正雄", "マサオ"},
    NamePart{"和子", "カズコ"},   NamePart{"清", "キヨシ"},     NamePart{"幸子", "サチコ"},
    NamePart{"茂", "シゲル"},     NamePart{"節子", "セツコ"},   NamePart{"勝", "マサル"},
    NamePart{"ヨシ", "ヨシ"},     NamePart{"三千代", "ミチヨ"}, NamePart{"實", "ミノル"},
};

/// Half-width katakana of the same sound, as many systems keep it: the mapping turns it back.
std::string half_width(std::string_view full_width);

}  // namespace kaigo::sample
