#include "jobs/runtime/installation.h"

#include "base/files.h"
#include "base/i18n.h"
#include "mapping/plan.h"

namespace kaigo::jobs {

Result<std::shared_ptr<const Installation>> Installation::load(config::Config config) {
    const std::shared_ptr<Installation> out(new Installation(std::move(config)));
    const config::Config& settings = out->config_;
    Faults faults;
    out->specification_ = spec::Specification::load(settings.interface_spec, faults);
    if (!faults.empty()) return faults.as_failure(ErrorCode::bad_specification);
    KAIGO_TRY(Keys keys, Keys::load(settings.spool_key));
    out->keys_ = std::make_shared<const Keys>(std::move(keys));
    for (const auto& [name, source] : settings.sources) out->mappings_.emplace(name, read_mapping(source));
    constexpr std::size_t kLargestCa = 4U << 20;
    const auto ca = secret_path(settings.platform.ca_file);
    out->ca_ = ca ? read_file(*ca, kLargestCa) : tl::unexpected(ca.error());
    if (out->ca_)
        if (auto found = platform::authorities_of(*out->ca_)) out->authorities_ = *std::move(found);
    for (const config::Insurer& insurer : settings.insurers)
        out->credentials_.emplace(
            insurer.number.value(),
            platform::load_credentials(insurer.certificate_file, insurer.private_key_file));
    return std::shared_ptr<const Installation>(out);
}

Result<platform::HttpsSettings> Installation::https_settings(const config::Insurer& insurer) const {
    platform::HttpsSettings out;
    out.url = config_.platform.url;
    KAIGO_TRY(out.ca, Result<std::string>(ca_));
    KAIGO_TRY(out.credentials, Result<platform::Credentials>(credentials(insurer)));
    out.connections = config_.platform.connections;
    out.gzip = config_.platform.gzip;
    out.request_timeout = config_.platform.request_timeout;
    return out;
}

std::vector<Error> Installation::troubles() const {
    std::vector<Error> out;
    if (!ca_) out.push_back(ca_.error());
    for (const auto& [source, text] : mappings_)
        if (!text) out.push_back(text.error());
    for (const auto& [insurer, credentials] : credentials_)
        if (!credentials) out.push_back(credentials.error());
    return out;
}

std::shared_ptr<const Installation> Installation::with(const config::Insurer& insurer,
                                                       platform::Credentials credentials) const {
    const std::shared_ptr<Installation> out(new Installation(*this));
    out->credentials_.insert_or_assign(insurer.number.value(), std::move(credentials));
    return out;
}

std::shared_ptr<const Installation> Installation::with(Keys keys) const {
    const std::shared_ptr<Installation> out(new Installation(*this));
    out->keys_ = std::make_shared<const Keys>(std::move(keys));
    return out;
}

Result<std::string> read_mapping(const config::SourceSettings& settings) {
    return read_file(settings.mapping, mapping::Plan::kLargestFile);
}

Result<platform::Credentials> usable_credentials(const config::Insurer& insurer, Instant now) {
    KAIGO_TRY(platform::Credentials out,
              platform::load_credentials(insurer.certificate_file, insurer.private_key_file));
    const std::string number = insurer.number.value();
    if (!out.info.key_fits)
        return fail(ErrorCode::certificate_refused,
                    tr("{}: the private key does not fit the certificate", number))
            .at(insurer.certificate_file)
            .remedy(out.info.key_fits_another
                        ? tr("put the private key's own certificate first in the file, its issuers behind it")
                        : tr("install the pair that was issued together"));
    if (now < out.info.not_before || now > out.info.not_after)
        return fail(ErrorCode::certificate_refused, tr("{}: not valid today", number))
            .at(insurer.certificate_file)
            .remedy(tr("install the renewed certificate"));
    return out;
}

}  // namespace kaigo::jobs
