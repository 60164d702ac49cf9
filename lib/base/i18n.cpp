#include "base/i18n.h"

#include <libintl.h>

#include <clocale>
#include <cstdlib>

#include "base/files.h"

namespace kaigo {
namespace {
constexpr const char* kDomain = "kaigo-gateway";
}

void set_language(const std::string& language) {
    // Installed: /usr/bin/../share/locale. Build tree: build/bin/../share/locale. One rule for both.
    const std::string catalogs = executable_directory() + "/../share/locale";
    // LC_CTYPE too: the C library translates its own errors, and would print them as question marks.
    std::setlocale(LC_CTYPE, "C.UTF-8");
    std::setlocale(LC_MESSAGES, "C.UTF-8");
    setenv("LANGUAGE", language.c_str(), 1);
    bindtextdomain(kDomain, catalogs.c_str());
    bind_textdomain_codeset(kDomain, "UTF-8");
    textdomain(kDomain);
}

const char* translate(const char* msgid) { return dgettext(kDomain, msgid); }

}  // namespace kaigo
