#include "api/event_data.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "domain/time.h"
#include "eventstore/event_id.h"

namespace mintmark {
namespace {

namespace json = boost::json;
namespace pb = google::protobuf;

// The event itself, which shows as one without data, where this program does not know its kind.
const pb::Message& message_of(const Event& event) {
  if (event.kind_case() == Event::KIND_NOT_SET) return event;
  const auto* reflection = event.GetReflection();
  const auto* member = reflection->GetOneofFieldDescriptor(event, event.GetDescriptor()->oneof_decl(0));
  return reflection->GetMessage(event, member);
}

json::object render_data(const pb::Message& data);

// A date, a text, a number, numbers, messages or an enumerator's name; null for what must not show (bytes and
// sealed messages).
json::value field_value(const pb::Message& data, const pb::FieldDescriptor& field) {
  const auto* reflection = data.GetReflection();
  using Type = pb::FieldDescriptor::CppType;
  const Type type = field.cpp_type();
  if (field.is_repeated() && type == Type::CPPTYPE_UINT32) {
    json::array numbers;
    for (int i = 0; i < reflection->FieldSize(data, &field); ++i) {
      numbers.emplace_back(reflection->GetRepeatedUInt32(data, &field, i));
    }
    return numbers;
  }
  const bool has_what_shows =
      type == Type::CPPTYPE_MESSAGE && (field.message_type() == JobReference::descriptor() ||
                                        field.message_type() == TokenCredentials::descriptor());
  if (has_what_shows && !field.is_repeated()) return render_data(reflection->GetMessage(data, &field));
  if (type == Type::CPPTYPE_MESSAGE && field.is_repeated()) {
    json::array messages;
    for (int i = 0; i < reflection->FieldSize(data, &field); ++i) {
      messages.push_back(render_data(reflection->GetRepeatedMessage(data, &field, i)));
    }
    return messages;
  }
  if (field.type() == pb::FieldDescriptor::TYPE_BYTES || field.is_repeated()) return nullptr;
  if (type == Type::CPPTYPE_BOOL) return json::value(reflection->GetBool(data, &field));
  if (type == Type::CPPTYPE_STRING) return json::value(reflection->GetString(data, &field));
  if (type == Type::CPPTYPE_ENUM) return json::value(reflection->GetEnum(data, &field)->name());
  if (type == Type::CPPTYPE_UINT32) return json::value(reflection->GetUInt32(data, &field));
  if (type == Type::CPPTYPE_UINT64) return json::value(reflection->GetUInt64(data, &field));
  if (type == Type::CPPTYPE_INT64) {
    const auto microseconds = reflection->GetInt64(data, &field);
    if (microseconds == 0) return nullptr;  // where there is no such moment
    return json::value(format_time_exact(Time(std::chrono::microseconds(microseconds))));
  }
  return nullptr;
}

json::object render_data(const pb::Message& data) {
  json::object object;
  const auto* descriptor = data.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto& field = *descriptor->field(i);
    if (field.has_presence() && !data.GetReflection()->HasField(data, &field)) continue;
    auto value = field_value(data, field);
    std::string_view name = field.name();
    // A moment is shown as a date; a duration keeps its unit.
    const bool is_moment = field.cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64;
    if (is_moment && name.ends_with("_us")) name.remove_suffix(3);
    if (!value.is_null()) object[name] = std::move(value);
  }
  return object;
}

}  // namespace

const std::string& event_type(const Event& event) {
  return message_of(event).GetDescriptor()->name();
}

std::string_view event_type(int number) {
  const auto* field = Event::descriptor()->FindFieldByNumber(number);
  return field ? std::string_view(field->message_type()->name()) : std::string_view();
}

bool is_event_type(std::string_view name) {
  const auto* kinds = Event::descriptor()->oneof_decl(0);
  for (int i = 0; i < kinds->field_count(); ++i) {
    if (kinds->field(i)->message_type()->name() == name) return true;
  }
  return false;
}

json::object render_event_data(const Event& event) {
  return render_data(message_of(event));
}

std::string account_in(const Event& event) {
  const auto& data = message_of(event);
  const auto* field = data.GetDescriptor()->FindFieldByName("account_id");
  return field ? data.GetReflection()->GetString(data, field) : "";
}

std::string actor_kind_name(Actor::Kind kind) {
  auto name = Actor::Kind_Name(kind);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

std::string uuid_text(const std::string& bytes) {
  return bytes.size() == 16 ? EventId::from_bytes(bytes).text() : "";
}

}  // namespace mintmark
