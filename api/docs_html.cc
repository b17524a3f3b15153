#include "api/docs_html.h"

#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

namespace mintmark {
namespace {

namespace json = boost::json;

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string_view text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string_view(value->as_string()) : std::string_view();
}

std::string escaped(const json::object& object, std::string_view name) {
  return escape(text_of(object, name));
}

// What stands behind the last '/' of a reference such as #/components/schemas/Error.
std::string_view name_of(std::string_view reference) {
  return reference.substr(reference.rfind('/') + 1);
}

// The object itself, or what its $ref points to in the document.
const json::object& resolve(const json::object& document, const json::value& value) {
  const auto& object = value.as_object();
  const auto reference = text_of(object, "$ref");
  if (reference.empty()) return object;
  const auto part = reference.substr(std::string_view("#/components/").size());
  const auto kind = part.substr(0, part.find('/'));
  return document.at("components").at(kind).at(name_of(part)).as_object();
}

// A schema in a line: its type, a link where it has a name, and its bounds.
std::string describe(const json::object& schema) {
  if (const auto name = escape(name_of(text_of(schema, "$ref"))); !name.empty()) {
    return fmt::format("<a href=\"#schema-{0}\">{0}</a>", name);
  }
  std::string text = escaped(schema, "type");
  if (const auto* parts = schema.if_contains("allOf")) text = describe(parts->as_array().at(0).as_object());
  if (const auto* items = schema.if_contains("items")) text += " of " + describe(items->as_object());
  if (const auto* values = schema.if_contains("enum")) {
    text += ": ";
    for (const auto& value : values->as_array()) {
      if (!text.ends_with(' ')) text += ", ";
      text += "<code>" + escape(value.as_string()) + "</code>";
    }
  }
  if (!text_of(schema, "format").empty()) text += " (" + escaped(schema, "format") + ")";
  for (const auto* bound : {"minLength", "maxLength", "minItems"}) {
    if (const auto* value = schema.if_contains(bound)) {
      text += fmt::format(", {} {}", bound, json::serialize(*value));
    }
  }
  if (schema.contains("nullable")) text += ", or null";
  if (schema.contains("readOnly")) text += ", read only";
  return text;
}

bool is_required(const json::object& schema, std::string_view name) {
  const auto* required = schema.if_contains("required");
  if (!required) return false;
  for (const auto& entry : required->as_array()) {
    if (entry.as_string() == name) return true;
  }
  return false;
}

// Its members, those of members' own objects with the path in front.
void append_members(const json::object& schema, const std::string& path, std::string& out) {
  const auto* properties = schema.if_contains("properties");
  if (!properties) return;
  for (const auto& [name, value] : properties->as_object()) {
    const auto& member = value.as_object();
    out += fmt::format("<tr><td><code>{}{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>\n", path,
                       escape(name), describe(member), is_required(schema, name) ? "always" : "",
                       escaped(member, "description"));
    append_members(member, path + escape(name) + ".", out);
  }
}

std::string content_of(const json::object& holder) {
  std::string text;
  const auto* content = holder.if_contains("content");
  if (!content) return text;
  for (const auto& [type, media] : content->as_object()) {
    text += fmt::format("{} <code>{}</code>", describe(media.at("schema").as_object()), escape(type));
  }
  return text;
}

void append_parameters(const json::object& document, const json::object& operation, std::string& out) {
  const auto* parameters = operation.if_contains("parameters");
  if (!parameters) return;
  out +=
      "<table><caption>Parameters</caption><thead><tr><th scope=\"col\">name</th><th scope=\"col\">in</th>"
      "<th scope=\"col\">value</th><th scope=\"col\"></th></tr></thead><tbody>\n";
  for (const auto& entry : parameters->as_array()) {
    const auto& parameter = resolve(document, entry);
    out += fmt::format("<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                       escaped(parameter, "name"), escaped(parameter, "in"),
                       describe(parameter.at("schema").as_object()), escaped(parameter, "description"));
  }
  out += "</tbody></table>\n";
}

void append_responses(const json::object& document, const json::object& operation, std::string& out) {
  out +=
      "<table><caption>Answers</caption><thead><tr><th scope=\"col\">status</th><th scope=\"col\">when</th>"
      "<th scope=\"col\">body</th><th scope=\"col\">fields</th></tr></thead><tbody>\n";
  for (const auto& [status, value] : operation.at("responses").as_object()) {
    const auto& response = resolve(document, value);
    std::string fields;
    if (const auto* headers = response.if_contains("headers")) {
      for (const auto& [name, header] : headers->as_object()) {
        fields += fmt::format("{}<code>{}</code>", fields.empty() ? "" : ", ", escape(name));
      }
    }
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", escape(status),
                       escaped(response, "description"), content_of(response), fields);
  }
  out += "</tbody></table>\n";
}

struct Operation {
  std::string method;
  std::string path;
  const json::object* object;
};

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (auto& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return upper;
}

std::vector<Operation> operations_of(const json::object& document, std::string_view tag) {
  std::vector<Operation> operations;
  for (const auto& [path, methods] : document.at("paths").as_object()) {
    for (const auto& [method, operation] : methods.as_object()) {
      const auto& object = operation.as_object();
      if (object.at("tags").as_array().at(0).as_string() != tag) continue;
      operations.push_back({upper_case(method), escape(path), &object});
    }
  }
  return operations;
}

void append_operation(const json::object& document, const Operation& operation, std::string& out) {
  const auto& object = *operation.object;
  out += fmt::format("<section id=\"{0}\"><h3>{1} <a href=\"#{0}\">{2} <code>{3}</code></a></h3>\n",
                     escaped(object, "operationId"), escaped(object, "summary"), operation.method,
                     operation.path);
  if (!text_of(object, "description").empty()) {
    out += fmt::format("<p>{}</p>\n", escaped(object, "description"));
  }
  out += fmt::format("<p>Operation <code>{}</code>, access: {}.</p>\n", escaped(object, "operationId"),
                     escaped(object, "x-mintmark-access"));
  append_parameters(document, object, out);
  if (const auto* body = object.if_contains("requestBody")) {
    out += fmt::format("<p>Body: {}</p>\n", content_of(body->as_object()));
  }
  append_responses(document, object, out);
  out += "</section>\n";
}

}  // namespace

std::string render_docs(const json::object& document) {
  const auto& info = document.at("info").as_object();
  std::string index;
  std::string body;
  for (const auto& entry : document.at("tags").as_array()) {
    const auto tag = escaped(entry.as_object(), "name");
    index += fmt::format("<h2>{}</h2>\n<ul>\n", tag);
    body += fmt::format("<h2>{}</h2>\n", tag);
    for (const auto& operation : operations_of(document, text_of(entry.as_object(), "name"))) {
      index += fmt::format("<li><a href=\"#{}\">{} <code>{}</code></a></li>\n",
                           escaped(*operation.object, "operationId"), operation.method, operation.path);
      append_operation(document, operation, body);
    }
    index += "</ul>\n";
  }
  body += "<h2>Schemas</h2>\n";
  for (const auto& [name, schema] : document.at("components").at("schemas").as_object()) {
    body += fmt::format(
        "<section id=\"schema-{0}\"><h3>{0}</h3>\n<p>{1}</p>\n<table><thead><tr><th "
        "scope=\"col\">member</th><th scope=\"col\">value</th><th scope=\"col\"></th><th "
        "scope=\"col\"></th></tr></thead><tbody>\n",
        escape(name), escaped(schema.as_object(), "description"));
    append_members(schema.as_object(), "", body);
    body += "</tbody></table></section>\n";
  }
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{0} {1}: REST</title><link rel=\"stylesheet\" "
      "href=\"/docs.css\"></head><body>\n<header><h1>{0} {1}: REST</h1>\n<p>{2}</p>\n<p>For programs: <a "
      "href=\"/openapi.json\">/openapi.json</a></p></header>\n<nav aria-label=\"Operations\">\n{3}</nav>\n"
      "<main>\n{4}</main>\n</body></html>\n",
      escaped(info, "title"), escaped(info, "version"), escaped(info, "description"), index, body);
}

}  // namespace mintmark
