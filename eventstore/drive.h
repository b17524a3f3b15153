#pragma once

#include <cstdint>

namespace mintmark {

// Who runs a committer, a projector or a worker: threads of its own, or its caller, step by step. The latter
// is for a simulator, which decides from a seed what happens next, all on one thread: then every function of
// it, and of what stands on it, is called from that thread alone, and nothing happens but in a step.
enum class Drive : std::uint8_t { kOwnThreads, kCaller };

}  // namespace mintmark
