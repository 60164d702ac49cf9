#pragma once
// A record as it came over the wire, in the specification's shape.

#include <boost/json/object.hpp>

#include "spec/record.h"

namespace kaigo::simulator {

/// Members that the kind does not know, null members and values of a wrong JSON type become malformed values
/// of some item, so that validation finds them.
/// @return false when a member is unknown
bool read_record(const boost::json::object& object, const spec::RecordKind& kind, const WireNames& wire,
                 spec::Arena& arena, spec::Record& out);

}  // namespace kaigo::simulator
