# The rooms of the tree, from the ground up. A room may include what its own files, the rooms in ROOMS and the
# third-party headers in HEADERS give, and links LINKS; the lint reads this table too (tests/support/check-floors.py).
# Nobody else may include what stands in its folders INNER. Rooms on floor 8 and above may write to a stream. What
# stands in EVERYWHERE may be included by all.

set(EVERYWHERE fmt tl)

function(room path)
  cmake_parse_arguments(ROOM "" "FLOOR" "INNER;ROOMS;HEADERS;LINKS" ${ARGN})
  string(REGEX REPLACE ".*/" "" name ${path})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${path}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  add_library(kaigo-${name} STATIC ${sources})
  target_include_directories(kaigo-${name} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/lib)
  target_compile_definitions(kaigo-${name} PRIVATE KAIGO_VERSION="${PROJECT_VERSION}")
  list(TRANSFORM ROOM_ROOMS PREPEND kaigo-)
  target_link_libraries(kaigo-${name} PUBLIC ${ROOM_ROOMS} ${ROOM_LINKS})
endfunction()

room(lib/base FLOOR 0
  HEADERS libintl.h unicode yaml-cpp csv.h
  LINKS fmt::fmt yaml-cpp PkgConfig::ICU ${CSV_LIBRARY})
room(lib/crypto FLOOR 0 ROOMS base
  HEADERS openssl
  LINKS OpenSSL::Crypto)
room(lib/domain FLOOR 1 ROOMS base)
room(lib/sqlite FLOOR 1 ROOMS base
  HEADERS sqlite3.h
  LINKS SQLite::SQLite3)
room(lib/observe FLOOR 1 ROOMS base)
room(lib/http FLOOR 1 ROOMS base crypto
  HEADERS boost/asio boost/beast boost/system boost/url openssl zlib.h
  LINKS Boost::url OpenSSL::SSL ZLIB::ZLIB Threads::Threads)
room(lib/spec FLOOR 2 ROOMS base crypto domain)
room(lib/registration FLOOR 2 ROOMS base crypto domain)
room(lib/source FLOOR 2 ROOMS base crypto domain sqlite
  HEADERS sqlite3.h
  LINKS Threads::Threads)
room(lib/spool FLOOR 2 ROOMS base crypto sqlite
  HEADERS openssl zstd.h
  LINKS PkgConfig::ZSTD)
room(lib/audit FLOOR 2 ROOMS base crypto)
room(lib/config FLOOR 2 ROOMS base domain
  HEADERS yaml-cpp)
room(lib/control FLOOR 2 ROOMS base http)
room(lib/mapping FLOOR 3 ROOMS base crypto domain spec source registration)
room(lib/ledger FLOOR 3 INNER sql sqlite ROOMS base crypto domain sqlite registration)

room(lib/platform FLOOR 3 ROOMS base crypto domain http
  HEADERS openssl boost/json
  LINKS Boost::json)

room(jobs/runtime FLOOR 4
  ROOMS base crypto domain observe spec registration source spool audit config control mapping ledger platform
  HEADERS boost/json
  LINKS Boost::json)
room(jobs/words FLOOR 5 ROOMS base domain spec registration mapping ledger)
room(jobs/checks FLOOR 5
  ROOMS base crypto domain spec source audit config control mapping ledger platform runtime)
room(jobs/sync FLOOR 6
  ROOMS base crypto domain observe spec registration source spool audit config mapping ledger platform runtime
    words checks
  HEADERS boost/json
  LINKS Boost::json)
room(jobs/operate FLOOR 7
  ROOMS base domain spec registration spool audit config ledger platform runtime words checks sync)
room(jobs/present FLOOR 8
  ROOMS base crypto domain spec registration mapping ledger runtime words checks sync operate
  HEADERS boost/json
  LINKS Boost::json)
room(jobs/commands FLOOR 9
  ROOMS base crypto domain spec registration config control ledger runtime words checks sync operate present
  HEADERS boost/json openssl yaml-cpp
  LINKS Boost::json)
room(jobs/cli FLOOR 10
  ROOMS base crypto domain registration config control runtime sync operate present commands
  HEADERS boost/json CLI
  LINKS Boost::json CLI11::CLI11 Threads::Threads)
room(daemon FLOOR 11
  ROOMS base crypto observe http audit config control ledger platform source mapping runtime checks sync
    present commands cli
  HEADERS boost/json CLI prometheus systemd
  LINKS Boost::json CLI11::CLI11 PkgConfig::PROMETHEUS PkgConfig::SYSTEMD)

add_executable(kaigo-gateway jobs/cli/main.cpp)
target_link_libraries(kaigo-gateway PRIVATE kaigo-cli)
install(TARGETS kaigo-gateway)
add_executable(kaigo-gatewayd daemon/main.cpp)
target_link_libraries(kaigo-gatewayd PRIVATE kaigo-daemon)
install(TARGETS kaigo-gatewayd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
