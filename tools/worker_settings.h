#pragma once

#include "tools/config.h"
#include "worker/outbound_policy.h"
#include "worker/send.h"
#include "worker/worker.h"

// What the configuration says of the worker.
namespace mintmark {

// What calls outside may do.
OutboundPolicy outbound_policy(const Config& config);

WorkerOptions worker_options(const Config& config);
// Calls over real sockets.
MakeSend make_send(const Config& config);

}  // namespace mintmark
