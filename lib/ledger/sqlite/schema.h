#pragma once
// Tables of the ledger, as numbered migrations. A released migration is never changed.

#include "sqlite/sqlite.h"

namespace kaigo::ledger {

/// Of the tables that this program writes.
std::size_t current_version();
/// Brings the file to this program's version, one transaction per step.
/// @throws StoreFailure when the file is from a newer program
void migrate(sqlite::Database& database);
/// As a program of an older version left it: for tests of what comes after.
void migrate_to(sqlite::Database& database, std::size_t version);

}  // namespace kaigo::ledger
