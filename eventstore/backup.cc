#include "eventstore/backup.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include "domain/schema.h"
#include "eventstore/bytes.h"
#include "eventstore/checksum.h"
#include "eventstore/files.h"

namespace mintmark {
namespace {

constexpr std::string_view segment_magic = "MMEVENT2";
constexpr std::string_view earlier_segment_magic = "MMEVENT1";  // without a schema
constexpr std::size_t segment_bytes_max = 16UL * 1024 * 1024;   // and the append that passes it
constexpr std::string_view unfinished_suffix = ".new";
constexpr std::size_t read_batch_events = 1024;

std::unexpected<Error> refuse_backup(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kUnavailable, fmt::format("The backup {} cannot be used: {}.", path, why));
}

void put_text(std::string& out, std::string_view text) {
  put_little_endian(out, text.size());
  out += text;
}

// Takes a file apart from front to back; once something is missing, everything is.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool good() const { return good_; }
  bool at_end() const { return good_ && rest_.empty(); }

  std::string_view bytes(std::uint64_t count) {
    if (!good_ || count > rest_.size()) {
      good_ = false;
      return {};
    }
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::uint64_t number() {
    const auto taken = bytes(8);
    return good_ ? get_little_endian(taken) : 0;
  }
  std::string_view text() { return bytes(number()); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

// What a segment begins with.
struct SegmentHeader {
  EventId log_id;
  std::uint64_t schema = 0;  // 0: it says none
};

std::optional<SegmentHeader> read_header(Reader& reader) {
  const auto magic = reader.bytes(segment_magic.size());
  if (magic != segment_magic && magic != earlier_segment_magic) return std::nullopt;
  const auto id = reader.bytes(16);
  if (!reader.good()) return std::nullopt;
  return SegmentHeader{EventId::from_bytes(id), magic == segment_magic ? reader.number() : 0};
}

struct Segment {
  std::string path;
  Position first = 0;
  Position last = 0;
};

std::string segment_name(Position first, Position last) {
  return fmt::format("events-{:020}-{:020}", first, last);
}

std::optional<Segment> segment_of(const std::filesystem::path& path) {
  const auto name = path.filename().string();
  constexpr std::string_view form = "events-00000000000000000000-00000000000000000000";
  if (name.size() != form.size() || !name.starts_with("events-")) return std::nullopt;
  Segment segment{path.string(), std::strtoull(name.c_str() + 7, nullptr, 10),
                  std::strtoull(name.c_str() + 28, nullptr, 10)};
  if (segment_name(segment.first, segment.last) != name) return std::nullopt;
  return segment;
}

// The segments of a backup, which must follow one another without a gap.
Result<std::vector<Segment>> segments_in(const std::string& folder) {
  std::vector<Segment> segments;
  std::error_code code;
  for (auto entry = std::filesystem::directory_iterator(folder, code);
       !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    if (auto segment = segment_of(entry->path())) segments.push_back(std::move(*segment));
  }
  if (code) return refuse_backup(folder, code.message());
  std::ranges::sort(segments, {}, &Segment::first);
  Position expected = 1;
  for (const auto& segment : segments) {
    if (segment.first != expected || segment.last < segment.first)
      return refuse_backup(folder, fmt::format("the segment from position {} on is missing", expected));
    expected = segment.last + 1;
  }
  return segments;
}

// Takes away what a run that was cut short has left of a segment: the next may end it elsewhere, under
// another name.
Result<void> remove_unfinished_segments(const std::string& folder) {
  std::error_code code;
  std::vector<std::filesystem::path> unfinished;
  for (auto entry = std::filesystem::directory_iterator(folder, code);
       !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    auto path = entry->path();
    if (path.extension() == unfinished_suffix && segment_of(path.replace_extension())) {
      unfinished.push_back(entry->path());
    }
  }
  for (const auto& path : unfinished) {
    if (!code) std::filesystem::remove(path, code);
  }
  if (code) return refuse_backup(folder, code.message());
  return {};
}

// Checks a segment and gives its appends to `take`; the log's id, and the tree behind it.
Result<BackupContents> read_segment(const Segment& segment, const MerkleTree& before,
                                    const std::function<Result<void>(StoredAppend&&)>& take) {
  const auto file = read_whole_file(segment.path);
  if (!file) return refuse_backup(segment.path, system_message());
  const std::string_view all(*file);
  const auto body = all.substr(0, all.size() - std::min(all.size(), checksum_bytes));
  if (checksum(body) != all.substr(body.size())) return refuse_backup(segment.path, "its checksum is wrong");
  Reader reader(body);
  const auto header = read_header(reader);
  if (!header) return refuse_backup(segment.path, "it is no segment");
  if (header->schema > event_schema) {
    return refuse_backup(segment.path,
                         fmt::format("its events are of schema {}, and this version knows schema {}: it was "
                                     "written by a newer one",
                                     header->schema, event_schema));
  }
  if (reader.text() != before.encode() || !reader.good())
    return refuse_backup(segment.path, "it does not follow the segment before it");
  BackupContents contents{header->log_id, before};
  while (auto count = reader.number()) {
    StoredAppend append;
    for (; count > 0 && reader.good(); --count) {
      StoredEvent event{std::string(reader.text()), {}};
      contents.tree.append(event.bytes);
      if (!event.recorded.ParseFromString(event.bytes) || event.recorded.position() != contents.tree.size()) {
        return refuse_backup(segment.path, fmt::format("position {} does not decode", contents.tree.size()));
      }
      if (event.recorded.event().kind_case() == Event::KIND_NOT_SET) {
        return refuse_backup(
            segment.path,
            fmt::format("position {} is of a kind that this version does not know", contents.tree.size()));
      }
      append.push_back(std::move(event));
    }
    if (auto taken = take(std::move(append)); !taken) return std::unexpected(taken.error());
  }
  if (reader.text() != contents.tree.encode() || !reader.at_end() || contents.tree.size() != segment.last) {
    return refuse_backup(segment.path, "its events do not give its root");
  }
  return contents;
}

Result<void> ignore(StoredAppend&&) {
  return {};
}

// Writes segments from a tree on.
class SegmentWriter {
 public:
  SegmentWriter(RocksDbLog& log, std::string folder, MerkleTree tree)
      : log_(log), folder_(std::move(folder)), log_id_(log.log_id()), before_(tree), tree_(std::move(tree)) {}

  const MerkleTree& tree() const { return tree_; }
  std::size_t segments() const { return segments_; }

  Result<void> add(const StoredAppend& append) {
    put_little_endian(body_, append.size());
    for (const auto& event : append) {
      tree_.append(event.bytes);
      put_text(body_, event.bytes);
    }
    return body_.size() < segment_bytes_max ? Result<void>() : finish();
  }

  // Ends the segment at hand, and checks what the disk has of it.
  Result<void> finish() {
    if (tree_.size() == before_.size()) return {};
    // Before it gets its name: what does not lead to the log's roots is not this log's past.
    if (!log_.begins_with(tree_.head())) {
      return refuse_backup(folder_, "the log does not continue it: its events are not those of the backup");
    }
    std::string file(segment_magic);
    file += log_id_.view();
    put_little_endian(file, event_schema);
    put_text(file, before_.encode());
    file += body_;
    put_little_endian(file, 0);
    put_text(file, tree_.encode());
    file += checksum(file);
    const auto path = folder_ + "/" + segment_name(before_.size() + 1, tree_.size());
    const Segment unfinished{path + std::string(unfinished_suffix), before_.size() + 1, tree_.size()};
    if (!write_new_file(unfinished.path, file, 0600)) return refuse_backup(unfinished.path, system_message());
    // What has a segment's name is a segment.
    const auto written = read_segment(unfinished, before_, ignore);
    if (!written) return std::unexpected(written.error());
    if (!rename_durably(unfinished.path, path)) return refuse_backup(path, system_message());
    before_ = tree_;
    body_.clear();
    ++segments_;
    return {};
  }

 private:
  RocksDbLog& log_;
  const std::string folder_;
  const EventId log_id_;
  MerkleTree before_;
  MerkleTree tree_;
  std::string body_;
  std::size_t segments_ = 0;
};

// How far a backup reaches: the tree behind its last segment, which is read and checked.
Result<MerkleTree> reach_of(const std::string& folder, const EventId& log_id) {
  const auto segments = segments_in(folder);
  if (!segments) return std::unexpected(segments.error());
  if (segments->empty()) return MerkleTree();
  const auto& last = segments->back();
  // Its own word for what is before it; who restores checks the whole chain.
  const auto file = read_whole_file(last.path);
  if (!file) return refuse_backup(last.path, system_message());
  Reader reader(*file);
  const auto header = read_header(reader);
  const auto before = MerkleTree::decode(reader.text());
  if (!header || !reader.good() || !before) return refuse_backup(last.path, "it is no segment");
  if (header->log_id != log_id) return refuse_backup(folder, "it is that of another log");
  auto contents = read_segment(last, *before, ignore);
  if (!contents) return std::unexpected(contents.error());
  return std::move(contents->tree);
}

Result<void> make_folder(const std::string& folder) {
  std::error_code code;
  const bool is_new = !std::filesystem::exists(folder, code);
  code = make_folders(folder);
  if (is_new && !code) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, code);
  if (code) return refuse_backup(folder, code.message());
  return {};
}

}  // namespace

Result<BackupReport> backup_events(RocksDbLog& log, const std::string& folder, const std::stop_token& stop) {
  if (auto made = make_folder(folder); !made) return std::unexpected(made.error());
  // An advisory lock; the system frees it when the process ends, however it ends.
  const auto lock_path = folder + "/lock";
  const Descriptor lock(::open(lock_path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (lock.fd() < 0) return refuse_backup(lock_path, system_message());
  if (::flock(lock.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refuse_backup(lock_path, system_message());
    return fail(ErrorKind::kConflict, fmt::format("Another backup is being made in {}.", folder));
  }
  if (auto removed = remove_unfinished_segments(folder); !removed) return std::unexpected(removed.error());
  auto reached = reach_of(folder, log.log_id());
  if (!reached) return std::unexpected(reached.error());
  const auto target = log.tree();
  const auto events_before = reached->size();
  if (events_before > target.size()) {
    return fail(ErrorKind::kConflict,
                fmt::format("The backup {} reaches position {}, but the log ends at {}.", folder,
                            events_before, target.size()));
  }
  if (!log.begins_with(reached->head()))
    return refuse_backup(folder, fmt::format("the log does not begin with its {} events", events_before));
  SegmentWriter writer(log, folder, std::move(*reached));
  while (writer.tree().size() < target.size()) {
    if (stop.stop_requested())
      return fail(ErrorKind::kUnavailable, "The backup was ended; the next run goes on where it was.");
    const auto after = writer.tree().size();
    auto events = log.read(after, std::min<std::size_t>(read_batch_events, target.size() - after));
    for (std::size_t i = 0; i < events.size();) {
      const auto id = EventId::from_bytes(events[i].recorded.event_id());
      const auto append = log.find_append(id);
      if (!append)
        return refuse_backup(folder, fmt::format("the log does not know the append of {}", id.text()));
      const auto count = append->last - append->first + 1;
      if (count > events.size() - i) {
        // The batch ends inside it.
        if (i == 0) return refuse_backup(folder, "an append ends behind the log's head");
        break;
      }
      const auto begin = events.begin() + static_cast<std::ptrdiff_t>(i);
      StoredAppend whole(std::make_move_iterator(begin),
                         std::make_move_iterator(begin + static_cast<std::ptrdiff_t>(count)));
      if (auto added = writer.add(whole); !added) return std::unexpected(added.error());
      i += count;
    }
  }
  if (auto finished = writer.finish(); !finished) return std::unexpected(finished.error());
  return BackupReport{target.size(), target.root(), target.size() - events_before, writer.segments()};
}

Result<BackupContents> read_backup(const std::string& folder,
                                   const std::function<Result<void>(StoredAppend&&)>& take) {
  const auto segments = segments_in(folder);
  if (!segments) return std::unexpected(segments.error());
  if (segments->empty()) return refuse_backup(folder, "there is no segment in it");
  std::optional<BackupContents> contents;
  for (const auto& segment : *segments) {
    auto next = read_segment(segment, contents ? contents->tree : MerkleTree(), take);
    if (!next) return next;
    if (contents && contents->log_id != next->log_id)
      return refuse_backup(segment.path, "it is that of another log");
    contents = std::move(*next);
  }
  return std::move(*contents);
}

Result<BackupContents> check_backup(const std::string& events_folder) {
  return read_backup(events_folder, ignore);
}

Result<BackupSize> backup_size(const std::string& events_folder, const std::string& vault_path) {
  const auto segments = segments_in(events_folder);
  if (!segments) return std::unexpected(segments.error());
  std::error_code code;
  BackupSize size;
  size.bytes = std::filesystem::file_size(vault_path, code);
  if (code) return refuse_backup(vault_path, code.message());
  for (const auto& segment : *segments) {
    size.bytes += std::filesystem::file_size(segment.path, code);
    if (code) return refuse_backup(segment.path, code.message());
    size.events = segment.last;
  }
  return size;
}

}  // namespace mintmark
