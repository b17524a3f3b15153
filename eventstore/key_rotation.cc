#include "eventstore/key_rotation.h"

#include <utility>

#include <fmt/format.h>

#include "eventstore/key_file.h"

namespace mintmark {
namespace {

constexpr std::string_view no_more_peppers = "There are 255 peppers, and no more can be added.";

}  // namespace

Result<PepperKey> append_pepper(EventLog& log, Vault& vault, std::uint32_t newest, Metadata metadata,
                                Random& random) {
  if (newest == Peppers::count_max) return fail(ErrorKind::kUnavailable, std::string(no_more_peppers));
  Event event;
  event.mutable_pepper_added()->set_number(newest + 1);
  AppendRequest request;
  const auto id = random.event_id(metadata.recorded_at);
  request.streams.push_back({std::string(pepper_stream), newest, {{id, std::move(event)}}});
  request.metadata = std::move(metadata);
  auto [key, write] = vault.make_pepper(newest + 1);
  request.vault_writes.push_back(std::move(write));
  const auto appended = append_and_wait(log, std::move(request));
  if (!appended) return fail(ErrorKind::kUnavailable, appended.error().message);
  return key;
}

Result<KeyRotation::Report> KeyRotation::run(const Actor& actor) {
  const std::scoped_lock lock(running_);
  auto keys = read_key_file(options_.key_path);
  if (!keys) return std::unexpected(keys.error());
  // The file may have been replaced by another since it was read: to go on from there would take the right
  // key out of memory too.
  if (const auto opens = vault_.check_all(*keys); !opens) {
    return fail(ErrorKind::kUnavailable,
                fmt::format("{} Nothing was changed.", opens.error().messages.front()));
  }
  if (!keys->previous) {
    // Else every attempt would replace the key once more, and fail at its end.
    if (peppers_.newest() == Peppers::count_max)
      return fail(ErrorKind::kUnavailable, fmt::format("{} Nothing was changed.", no_more_peppers));
    keys->previous = keys->current;
    random_.fill(keys->current);
    // Before anything is wrapped by it: a key that only memory knows is lost with the process.
    if (auto replaced = replace_key_file(options_.key_path, *keys); !replaced)
      return std::unexpected(replaced.error());
  }
  if (!vault_.start_rotation(*keys, options_.patience)) {
    return fail(ErrorKind::kUnavailable,
                "Writes that began before the rotation are still under way; run it again.");
  }
  Report report;
  const auto wrapped = vault_.wrap_all_anew();
  if (!wrapped) return std::unexpected(wrapped.error());
  report.wrapped_anew = *wrapped;
  // Before the old key leaves the key file, which is what tells that something is left to do.
  if (options_.rewrite_vault) {
    if (const auto rewritten = options_.rewrite_vault(); !rewritten) {
      return fail(
          ErrorKind::kUnavailable,
          fmt::format("Every key is wrapped by the new one, but keys wrapped by the old one are still on the "
                      "disk. {} Rotate again once it has.",
                      rewritten.error().messages.front()));
    }
  }
  if (auto replaced = replace_key_file(options_.key_path, {keys->current}); !replaced)
    return std::unexpected(replaced.error());
  vault_.end_rotation();
  Metadata metadata;
  metadata.actor = actor;
  metadata.recorded_at = clock_.now();
  const auto pepper = append_pepper(log_, vault_, peppers_.newest(), std::move(metadata), random_);
  if (!pepper) return std::unexpected(pepper.error());
  report.pepper = peppers_.add(*pepper);
  return report;
}

}  // namespace mintmark
