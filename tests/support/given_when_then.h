#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include "domain/error.h"
#include "domain/events.pb.h"

// Tests of an aggregate in the domain's words:
//
//   given<Token>({created()}).when(DeleteToken{}).then({deleted()});
//   given<Token>({}).when(DeleteToken{}).then_fails(ErrorKind::kNotFound, {"Token not found."});
namespace mintmark::testing {

// The same message always gives the same bytes, whatever the order of its maps.
inline std::string deterministic_bytes(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

inline std::string readable(const std::vector<Event>& events) {
  std::string text;
  for (const auto& event : events) text += "{ " + event.ShortDebugString() + " }\n";
  return events.empty() ? "no events\n" : text;
}

inline std::string readable(const Error& error) {
  std::string text = "an error of kind " + std::to_string(static_cast<int>(error.kind)) + ":\n";
  for (const auto& message : error.messages) text += "  " + message + "\n";
  return text;
}

inline bool same_events(const std::vector<Event>& left, const std::vector<Event>& right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (deterministic_bytes(left[i]) != deterministic_bytes(right[i])) return false;
  }
  return true;
}

class Outcome {
 public:
  explicit Outcome(Result<std::vector<Event>> result) : result_(std::move(result)) {}

  void then(const std::vector<Event>& expected) const {
    if (!result_) {
      ADD_FAILURE() << "expected\n" << readable(expected) << "but got " << readable(result_.error());
    } else if (!same_events(*result_, expected)) {
      ADD_FAILURE() << "expected\n" << readable(expected) << "but got\n" << readable(*result_);
    }
  }
  void then_nothing_changes() const { then({}); }

  void then_fails(ErrorKind kind, const std::vector<std::string>& messages) const {
    if (result_) {
      ADD_FAILURE() << "expected " << readable(Error{kind, messages}) << "but got\n" << readable(*result_);
    } else if (result_.error() != Error{kind, messages}) {
      ADD_FAILURE() << "expected " << readable(Error{kind, messages}) << "but got "
                    << readable(result_.error());
    }
  }

 private:
  Result<std::vector<Event>> result_;
};

template <class Aggregate>
class Given {
 public:
  explicit Given(const std::vector<Event>& events) {
    for (const auto& event : events) evolve(state_, event);
  }

  template <class Command>
  Outcome when(const Command& command) const {
    return Outcome(decide(state_, command));
  }
  const Aggregate& state() const { return state_; }

 private:
  Aggregate state_;
};

template <class Aggregate>
Given<Aggregate> given(const std::vector<Event>& events) {
  return Given<Aggregate>(events);
}

}  // namespace mintmark::testing
