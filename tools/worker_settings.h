#pragma once

#include "tools/config.h"
#include "worker/send.h"
#include "worker/worker.h"

// What the configuration says of the worker.
namespace mintmark {

WorkerOptions worker_options(const Config& config);
// Calls over real sockets.
MakeSend make_send(const Config& config);

}  // namespace mintmark
