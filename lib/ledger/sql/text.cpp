#include "ledger/sql/text.h"

namespace kaigo::ledger::sql {

std::string expanded(std::string_view text) {
    std::string out;
    while (true) {
        const std::size_t open = text.find('{');
        out += text.substr(0, open);
        if (open == std::string_view::npos) return out;
        const std::size_t close = text.find('}', open);
        const std::string_view word = text.substr(open + 1, close - open - 1);
        if (const auto number = number_of(word))
            out += std::to_string(*number);
        else if (const auto name = stored_name(word))
            out += "'" + std::string(*name) + "'";
        else if (const auto part = part_of(word))
            out += expanded(*part);
        else
            throw std::logic_error("a statement names what is not known");
        text.remove_prefix(close + 1);
    }
}

}  // namespace kaigo::ledger::sql
