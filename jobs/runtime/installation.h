#pragma once
// What is installed on this host: configuration, specification, key, mapping files, certificates. It is read
// once and kept in memory. A running job keeps what it began with, and a file that changes on disk has no
// effect until it has been read and checked as a whole.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "crypto/crypto.h"
#include "platform/certificate.h"
#include "platform/client.h"
#include "spec/spec.h"

namespace kaigo::jobs {

class Installation {
  public:
    /// Fails for what no job can do without: specification and key. What only some insurers need (a
    /// certificate, a mapping file) fails where it is asked for, and stands in troubles().
    static Result<std::shared_ptr<const Installation>> load(config::Config config);

    const config::Config& config() const { return config_; }
    const spec::Specification& specification() const { return *specification_; }
    const Keys& keys() const { return *keys_; }
    /// Text of the mapping file of a source.
    const Result<std::string>& mapping(const std::string& source) const { return mappings_.at(source); }
    /// Which CA to trust, and which client certificate to present.
    Result<platform::HttpsSettings> https_settings(const config::Insurer& insurer) const;
    const Result<platform::Credentials>& credentials(const config::Insurer& insurer) const {
        return credentials_.at(insurer.number.value());
    }
    /// Whom the platform's certificate is believed by; none when ca_file cannot be read.
    const std::vector<platform::Authority>& authorities() const { return authorities_; }
    std::vector<Error> troubles() const;

    /// The same under another key.
    std::shared_ptr<const Installation> with(Keys keys) const;
    /// The same with other credentials for one insurer.
    std::shared_ptr<const Installation> with(const config::Insurer& insurer,
                                             platform::Credentials credentials) const;

  private:
    explicit Installation(config::Config config) : config_(std::move(config)) {}

    config::Config config_;
    std::shared_ptr<const spec::Specification> specification_;
    std::shared_ptr<const Keys> keys_;
    std::map<std::string, Result<std::string>> mappings_;
    Result<std::string> ca_;
    std::vector<platform::Authority> authorities_;
    std::map<std::string, Result<platform::Credentials>> credentials_;  ///< by insurer
};

/// Text of a mapping file.
Result<std::string> read_mapping(const config::SourceSettings& settings);

/// The certificate of an insurer as its files are now: a pair that does not fit, or is not valid today, is an
/// error.
Result<platform::Credentials> usable_credentials(const config::Insurer& insurer, Instant now);

}  // namespace kaigo::jobs
