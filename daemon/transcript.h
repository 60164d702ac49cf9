#pragma once
// What a job prints, kept for who asked for it.

#include <memory>
#include <ostream>
#include <streambuf>
#include <string>

#include "base/mutex.h"

namespace kaigo::daemon {

/// One stream's text. Written by one thread, read by others.
class Transcript : public std::streambuf {
  public:
    /// From byte `from` on, up to the last whole character.
    std::string since(std::size_t from) const;

  protected:
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* text, std::streamsize size) override;

  private:
    static constexpr std::size_t kMost = 8U << 20;  ///< text beyond this is lost, but only to the listener
    void append(const char* text, std::size_t size);
    mutable Mutex mutex_;
    std::string text_ KAIGO_GUARDED_BY(mutex_);
};

}  // namespace kaigo::daemon
