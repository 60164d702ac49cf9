#pragma once
// Counts how many records of a reading have each optional item: this shows when a side table was empty for a
// night.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "spec/record.h"

namespace kaigo::spec {

class Presence {
  public:
    explicit Presence(const RecordKind& kind);
    void take(const Record& record);
    /// By item path ("survey.remarks"); items that are always required are left out.
    std::map<std::string, std::int64_t> by_path() const;

  private:
    void name_items(const std::vector<Item>& items, const std::string& path);
    void take(const std::vector<Item>& items, const Value* values, std::size_t& at);

    const RecordKind* kind_;
    std::vector<std::string> paths_;  ///< items and the members of objects, in the specification's order
    std::vector<bool> optional_;
    std::vector<std::int64_t> counts_;
};

}  // namespace kaigo::spec
