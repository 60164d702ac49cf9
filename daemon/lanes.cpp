#include "daemon/lanes.h"

#include <algorithm>

namespace kaigo::daemon {

Lanes::~Lanes() { stop(); }  // the threads are joined with their lanes

std::shared_ptr<Job> Lanes::enqueue(const jobs::RunOptions& options, const std::string& actor) {
    const Lock lock(mutex_);
    if (stopping_) return nullptr;
    Lane& lane = lanes_[options.insurer];
    const auto same = [&](const auto& job) {
        return job->options.job == options.job && job->options.dry_run == options.dry_run &&
               job->options.kind == options.kind;
    };
    if (std::ranges::any_of(lane.jobs, same)) return nullptr;
    auto job = std::make_shared<Job>(std::to_string(next_id_++), options, actor, clock_, slots_);
    lane.jobs.push_back(job);
    ++active_;
    if (!lane.working) {
        lane.working = true;
        ++working_;
        // The thread before it has nothing more to do than to end.
        lane.thread = std::jthread([this, &lane] { work_off(lane); });
    }
    return job;
}

void Lanes::work_off(Lane& lane) {
    for (;;) {
        std::shared_ptr<Job> job;
        {
            const Lock lock(mutex_);
            job = lane.jobs.front();
        }
        slots_.take();
        if (job->stop.stop_requested()) {
            job->exit_status = info(ErrorCode::busy).exit_status;
        } else {
            job->state = Job::State::running;
            job->exit_status = work_(*job);
        }
        slots_.release();
        const Lock lock(mutex_);
        job->state = Job::State::ended;
        lane.jobs.pop_front();
        // Nobody asks for what the schedule started.
        if (job->actor != kScheduleActor) ended_.push_back(std::move(job));
        if (ended_.size() > kEndedKept) ended_.pop_front();
        lane.working = !lane.jobs.empty();
        --active_;
        idle_.notify_all();
        if (lane.working) continue;
        --working_;
        return;
    }
}

std::shared_ptr<Job> Lanes::find(const std::string& id) const {
    const Lock lock(mutex_);
    for (const auto& [insurer, lane] : lanes_)
        for (const auto& job : lane.jobs)
            if (job->id == id) return job;
    for (const auto& job : ended_)
        if (job->id == id) return job;
    return nullptr;
}

std::vector<std::shared_ptr<Job>> Lanes::active() const {
    const Lock lock(mutex_);
    std::vector<std::shared_ptr<Job>> out;
    for (const auto& [insurer, lane] : lanes_) out.insert(out.end(), lane.jobs.begin(), lane.jobs.end());
    return out;
}

void Lanes::stop() {
    const Lock lock(mutex_);
    stopping_ = true;
    for (auto& [insurer, lane] : lanes_)
        for (const auto& job : lane.jobs) job->stop.request_stop();
}

bool Lanes::wait_until_idle(std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    Lock lock(mutex_);
    while (active_ > 0)
        if (idle_.wait_until(lock, until) == std::cv_status::timeout) return active_ == 0;
    return true;
}

}  // namespace kaigo::daemon
