#pragma once
// Source rows from a SQLite file.

#include "source/source.h"

namespace kaigo::source {

Result<std::unique_ptr<Source>> open_sqlite_source(const std::string& path);

}  // namespace kaigo::source
