#include "simulator/sample_text.h"

namespace kaigo::sample {
namespace {

struct Pair {
    std::string_view full, half;
};
constexpr Pair kPairs[] = {
    {"ア", "ｱ"},  {"イ", "ｲ"},  {"ウ", "ｳ"},  {"エ", "ｴ"},  {"オ", "ｵ"},  {"カ", "ｶ"},  {"キ", "ｷ"},
    {"ク", "ｸ"},  {"ケ", "ｹ"},  {"コ", "ｺ"},  {"サ", "ｻ"},  {"シ", "ｼ"},  {"ス", "ｽ"},  {"セ", "ｾ"},
    {"ソ", "ｿ"},  {"タ", "ﾀ"},  {"チ", "ﾁ"},  {"ツ", "ﾂ"},  {"テ", "ﾃ"},  {"ト", "ﾄ"},  {"ナ", "ﾅ"},
    {"ニ", "ﾆ"},  {"ヌ", "ﾇ"},  {"ネ", "ﾈ"},  {"ノ", "ﾉ"},  {"ハ", "ﾊ"},  {"ヒ", "ﾋ"},  {"フ", "ﾌ"},
    {"ヘ", "ﾍ"},  {"ホ", "ﾎ"},  {"マ", "ﾏ"},  {"ミ", "ﾐ"},  {"ム", "ﾑ"},  {"メ", "ﾒ"},  {"モ", "ﾓ"},
    {"ヤ", "ﾔ"},  {"ユ", "ﾕ"},  {"ヨ", "ﾖ"},  {"ラ", "ﾗ"},  {"リ", "ﾘ"},  {"ル", "ﾙ"},  {"レ", "ﾚ"},
    {"ロ", "ﾛ"},  {"ワ", "ﾜ"},  {"ヲ", "ｦ"},  {"ン", "ﾝ"},  {"ガ", "ｶﾞ"}, {"ギ", "ｷﾞ"}, {"グ", "ｸﾞ"},
    {"ザ", "ｻﾞ"}, {"ジ", "ｼﾞ"}, {"ズ", "ｽﾞ"}, {"ダ", "ﾀﾞ"}, {"デ", "ﾃﾞ"}, {"ド", "ﾄﾞ"}, {"バ", "ﾊﾞ"},
    {"ビ", "ﾋﾞ"}, {"ブ", "ﾌﾞ"}, {"ベ", "ﾍﾞ"}, {"ボ", "ﾎﾞ"}, {"ヴ", "ｳﾞ"}, {"ァ", "ｧ"},  {"ー", "ｰ"},
    {"　", " "},
};

}  // namespace

std::string half_width(std::string_view full_width) {
    std::string out;
    while (!full_width.empty()) {
        bool found = false;
        for (const auto& [full, half] : kPairs) {
            if (!full_width.starts_with(full)) continue;
            out += half;
            full_width.remove_prefix(full.size());
            found = true;
            break;
        }
        if (found) continue;
        out.push_back(full_width.front());
        full_width.remove_prefix(1);
    }
    return out;
}

}  // namespace kaigo::sample
