#pragma once
// Operator-facing text: English in the source, other languages from gettext catalogs.

#include <fmt/core.h>

#include <string>

namespace kaigo {

/// Chooses the language of every later tr(). Works with LANG unset (cron): the catalog is chosen by
/// LANGUAGE over the C.UTF-8 locale, which every Debian has.
/// @param language "ja" or "en"
void set_language(const std::string& language);

/// The catalog's text for `msgid`, or `msgid` itself.
const char* translate(const char* msgid);

/// Marks a message for the catalogs where it is not translated yet.
#define N_(text) text

/// Translated text with its {} places filled.
template <class... Args>
std::string tr(const char* msgid, const Args&... args) {
    return fmt::vformat(translate(msgid), fmt::make_format_args(args...));
}

}  // namespace kaigo
