#include "crypto/crypto.h"

#include <catch2/catch.hpp>

#include "base/files.h"
#include "base/text.h"
#include "domain/identifiers.h"
#include "unit/support.h"

using namespace kaigo;

TEST_CASE("what is sealed opens only under its key and its companion bytes") {
    const std::string key(32, 'k');
    const std::string sealed = seal(key, "header", "plain");
    CHECK(*unseal(key, "header", sealed) == "plain");
    CHECK(sealed.find("plain") == std::string::npos);
    CHECK_FALSE(unseal(std::string(32, 'x'), "header", sealed));
    CHECK_FALSE(unseal(key, "other", sealed));
    CHECK_FALSE(unseal(key, "header", sealed.substr(0, sealed.size() - 1)));
    std::string turned = sealed;
    turned[15] = static_cast<char>(turned[15] ^ 1);
    CHECK_FALSE(unseal(key, "header", turned));
    CHECK_FALSE(unseal(key, "header", ""));
}

TEST_CASE("keys derive apart from one secret, and their name does not tell them") {
    const Keys keys = Keys::derive(SecretBytes(std::string(32, 's')));
    CHECK(keys.spool.view() != keys.digest.view());
    CHECK(keys.digest.view() != keys.identifier.view());
    CHECK(keys.id.size() == 8);
    CHECK(Keys::derive(SecretBytes(std::string(32, 't'))).id != keys.id);
}

TEST_CASE("keyed digests are those of HMAC-SHA-256") {
    // RFC 4231, test case 2, first half.
    Hmac hmac("Jefe");
    const Digest digest = hmac.digest("what do ya want for nothing?");
    CHECK(hex({reinterpret_cast<const char*>(digest.data()), digest.size()}) ==
          "5bdcc146bf60754e6a042426089575c7");
    CHECK(hmac.digest("what do ya want for nothing?") == digest);
}

TEST_CASE("a key file is refused when it is short or open to others") {
    const test::Folder folder;
    folder.write("short.key", "abc");
    CHECK(Keys::load((folder / "short.key").string()).error().code == ErrorCode::key_missing);
    const auto open = folder.write("open.key", std::string(32, 'k'));
    std::filesystem::permissions(open, std::filesystem::perms(0644));
    CHECK(Keys::load(open.string()).error().code == ErrorCode::permission_denied);
    std::filesystem::permissions(open, std::filesystem::perms(0600));
    CHECK(Keys::load(open.string()));
    CHECK_FALSE(Keys::load((folder / "none.key").string()));
}

TEST_CASE("a lock is held once") {
    const test::Folder folder;
    const auto first = FileLock::acquire(folder / "lock");
    REQUIRE(first);
    CHECK(FileLock::acquire(folder / "lock").error().code == ErrorCode::busy);
}
